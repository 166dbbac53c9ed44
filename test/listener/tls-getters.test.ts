import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";

const src = join(import.meta.dirname, "..", "..", "src");
const home = join("listener", "tls.ts");
const getters =
  /getProtocol|getCipher|getEphemeralKeyInfo|getPeer(?:X509)?Certificate|isSessionReused|getSharedSigalgs|getSession/;

// reliability.md N1: called on a socket whose handshake failed, these end the process with SIGSEGV, and no try/catch
// helps. They are called in one file, inside 'secureConnection'.
test("no file but listener/tls.ts calls a TLS getter, and the admin listener of a request that it has read", () => {
  const files = sources();
  assert.ok(files.includes(home), `${home} is gone: this test looks at nothing`);
  const guilty = files.filter((file) => file !== home && getters.test(withoutPeer(file)));
  assert.deepEqual(guilty, []);
});

test("listener/tls.ts calls TLS getters where the handshake is done or on the stack, and nowhere else", () => {
  let rest = readFileSync(join(src, home), "utf8");
  for (const [name, from, to] of [
    ["copyFacts", 'server.on("secureConnection"', 'server.on("tlsClientError"'],
    ["chooseChain", "SNICallback(", "setTicketKeys("],
  ] as const) {
    const caller = rest.slice(rest.indexOf(from), rest.indexOf(to, rest.indexOf(from)));
    assert.equal(caller.split(`${name}(`).length - 1, 1, `${name} is called in ${from}`);
    assert.equal(rest.split(`${name}(`).length - 1, 2, `${name} is called once, and defined`);
    const start = rest.indexOf(`function ${name}(`);
    const end = rest.indexOf("\n}\n", start);
    assert.ok(start > 0 && getters.test(rest.slice(start, end)));
    rest = rest.slice(0, start) + rest.slice(end);
  }
  assert.doesNotMatch(rest, getters);
});

/** Text of a file; of the control listeners' without the function that reads who sent a request, after the handshake. */
function withoutPeer(file: string): string {
  const text = readFileSync(join(src, file), "utf8");
  if (file !== join("control", "control-listener.ts")) return text;
  const start = text.indexOf("function peerOf({ socket }: IncomingMessage)");
  assert.ok(start > 0);
  return text.slice(0, start) + text.slice(text.indexOf("\n}\n", start));
}

function sources(): string[] {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)));
}
