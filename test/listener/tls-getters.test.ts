import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";

const src = join(import.meta.dirname, "..", "..", "src");
const home = join("listener", "tls.ts");
const getters = /getProtocol|getCipher|getEphemeralKeyInfo|getPeer(?:X509)?Certificate|isSessionReused/;

// reliability.md N1: called on a socket whose handshake failed, these end the process with SIGSEGV, and no try/catch
// helps. They are called in one file, inside 'secureConnection'.
test("no file but listener/tls.ts calls a TLS getter", () => {
  const files = sources();
  assert.ok(files.includes(home), `${home} is gone: this test looks at nothing`);
  const guilty = files.filter((file) => file !== home && getters.test(readFileSync(join(src, file), "utf8")));
  assert.deepEqual(guilty, []);
});

test("listener/tls.ts calls TLS getters in copyFacts only, which runs in 'secureConnection' only", () => {
  const text = readFileSync(join(src, home), "utf8");
  const start = text.indexOf("function copyFacts(");
  const end = text.indexOf("\n}\n", start);
  assert.ok(start > 0 && getters.test(text.slice(start, end)));
  assert.doesNotMatch(text.slice(0, start) + text.slice(end), getters);
  const calls = text.split("copyFacts(").length - 2; // one is the definition
  assert.equal(calls, 1);
  const secure = text.slice(
    text.indexOf('server.on("secureConnection"'),
    text.indexOf('server.on("tlsClientError"'),
  );
  assert.match(secure, /copyFacts\(/);
});

function sources(): string[] {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)));
}
