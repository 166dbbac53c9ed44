import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { diskAccess } from "../../src/config/files.ts";
import { createFindings } from "../../src/config/finding.ts";
import { checkPostQuantum } from "../../src/config/post-quantum.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { hasOpenssl } from "../listener/tls-openssl.ts";
import { certificate, codesAt, goodConfig, parseText, withFiles } from "../support/config-case.ts";
import { newDirectory } from "../support/directory.ts";

const listen = '[server]\nlisten_https = "0.0.0.0:8443"\n';
const rest = '[upstream.app]\nurl = "http://127.0.0.1:3000"\n[[route]]\npath = "/"\nupstream = "app"\n';
const a = 'cert_path = "a.crt"\nkey_path = "a.key"\n';
const toml = (lines: string) => `[tls]\n${lines}${listen}${rest}`;

/** The findings about a certificate file `a.crt` for a.test with its key. */
function found(certPem: string, keyPem: string, name = "a.test"): readonly string[] {
  const files = { "/etc/zion/a.crt": certPem, "/etc/zion/a.key": keyPem };
  return codesAt(toml(`${a}[[tls.sni]]\nserver_name = "${name}"\n${a}`), withFiles(files)).filter((code) =>
    / [67]:/.test(code),
  );
}

test("a chain is read leaf first: each certificate issues the one before it", (t) => {
  if (!hasOpenssl(t)) return;
  const root = makeCertificate({ name: "root", extensions: ["basicConstraints=critical,CA:TRUE"] });
  const middle = makeCertificate({
    name: "middle",
    extensions: ["basicConstraints=critical,CA:TRUE"],
    issuer: root,
  });
  const leaf = makeCertificate({ name: "a.test", issuer: middle });
  const other = makeCertificate({ name: "other", extensions: ["basicConstraints=critical,CA:TRUE"] });
  assert.deepEqual(found(leaf.certPem + middle.certPem, leaf.keyPem), []);
  assert.deepEqual(found(leaf.certPem + middle.certPem + root.certPem, leaf.keyPem), []);
  assert.deepEqual(found(leaf.certPem + root.certPem + middle.certPem, leaf.keyPem), [
    "Z2131 6:13",
    "Z2131 6:13",
  ]);
  assert.deepEqual(found(leaf.certPem + other.certPem, leaf.keyPem), ["Z2131 6:13"]);
  // Not leaf first: the key is that of a later certificate.
  assert.deepEqual(found(middle.certPem + leaf.certPem, leaf.keyPem), [
    "Z2106 6:13",
    "Z2131 6:13",
    "Z1313 6:13",
  ]);
});

test("what clients would refuse is said: no name, another use, an old signature, a staple that nobody gives", (t) => {
  if (!hasOpenssl(t)) return;
  const san = "subjectAltName=DNS:a.test";
  const ca = makeCertificate({ name: "ca", extensions: ["basicConstraints=critical,CA:TRUE"] });
  const cases = [
    [["basicConstraints=CA:FALSE"], "Z2106 6:13"],
    [[san, "extendedKeyUsage=clientAuth"], "Z2131 6:13"],
    [[san, "tlsfeature=status_request"], "Z2133 6:13"],
    [[san, "authorityInfoAccess=caIssuers;URI:http://ca.test/ca.crt"], "Z2131 6:13"],
    [[san, "tlsfeature=status_request", "authorityInfoAccess=OCSP;URI:http://ocsp.test"], undefined],
  ] as const;
  for (const [extensions, code] of cases) {
    const { certPem, keyPem } = makeCertificate({ name: "a.test", extensions, issuer: ca });
    assert.deepEqual(found(certPem, keyPem), code === undefined ? [] : [code], extensions.join());
  }
  const old = makeCertificate({ name: "a.test", digest: "sha1", issuer: ca });
  assert.deepEqual(found(old.certPem, old.keyPem), ["Z2132 6:13"]);
  const short = makeCertificate({ name: "a.test", key: "rsa:1024", issuer: ca });
  // OpenSSL itself does not take it.
  assert.deepEqual(found(short.certPem, short.keyPem), ["Z2132 6:13", "Z1302 6:13"]);
});

test("RSA and ECDSA stand side by side for one name; two of one kind, or half a pair, do not", (t) => {
  if (!hasOpenssl(t)) return;
  const ecdsa = certificate();
  const rsa = makeCertificate({ name: "a.test", key: "rsa:2048" });
  const files = {
    "/etc/zion/a.crt": ecdsa.certPem,
    "/etc/zion/a.key": ecdsa.keyPem,
    "/etc/zion/rsa.crt": rsa.certPem,
    "/etc/zion/rsa.key": rsa.keyPem,
  };
  const options = withFiles(files);
  const second = 'second_cert_path = "rsa.crt"\nsecond_key_path = "rsa.key"\n';
  const { tls } = goodConfig(
    toml(`${a}${second}[[tls.sni]]\nserver_name = "a.test"\n${a}${second}`),
    options,
  );
  assert.equal(tls!.default.second!.certPem, rsa.certPem);
  assert.equal(tls!.sni[0]!.second!.keyPem, rsa.keyPem);
  const same = 'second_cert_path = "a.crt"\nsecond_key_path = "a.key"\n';
  assert.deepEqual(codesAt(toml(a + same), options), ["Z1214 4:20"]);
  assert.deepEqual(codesAt(toml(`${a}second_key_path = "rsa.key"\n`), options), ["Z1214 4:19"]);
  const crossed = 'second_cert_path = "rsa.crt"\nsecond_key_path = "a.key"\n';
  assert.deepEqual(codesAt(toml(a + crossed), options), ["Z1303 5:19"]);
});

const keyModes: readonly (readonly [title: string, mode: number, isKept: boolean])[] = [
  ["read by its owner", 0o400, true],
  ["read and written by its owner", 0o600, true],
  ["read by a group", 0o640, true],
  ["a Kubernetes secret with defaultMode 0440", 0o440, true],
  ["read by others", 0o644, false],
  ["written by a group", 0o660, false],
  ["executable by others", 0o601, false],
  ["open to everyone", 0o777, false],
];
for (const [title, mode, isKept] of keyModes) {
  test(`a private key ${title} (${mode.toString(8)}) is ${isKept ? "taken" : "refused"}`, () => {
    const { certPem, keyPem } = certificate();
    const files = { "/etc/zion/a.crt": certPem, "/etc/zion/a.key": keyPem };
    const options = withFiles(files, { "/etc/zion/a.key": 0o100000 | mode });
    assert.deepEqual(codesAt(toml(a), options), isKept ? [] : ["Z1314 3:12"]);
  });
}

test("a private key of another user is refused, one of root or of ours is taken", () => {
  const { certPem, keyPem } = certificate();
  const files = { "/etc/zion/a.crt": certPem, "/etc/zion/a.key": keyPem };
  const ownedBy = (uid: number) => ({ ...withFiles(files), stat: () => ({ mode: 0o100600, uid }) });
  assert.deepEqual(codesAt(toml(a), ownedBy(0)), []);
  assert.deepEqual(codesAt(toml(a), ownedBy(process.getuid!())), []);
  assert.deepEqual(codesAt(toml(a), ownedBy(54_321)), ["Z1314 3:12"]);
});

test("a link may not lead a key out of the config's directory; Kubernetes' ..data stays inside", () => {
  const directory = newDirectory("links");
  const outside = newDirectory("outside");
  const { certPem, keyPem } = certificate();
  const codes = () =>
    parseText(toml(a), {
      ...withFiles(),
      ...diskAccess(),
      file: join(directory, "zion.toml"),
    }).diagnostics.map(({ code }) => code);

  mkdirSync(join(directory, "..2026"));
  symlinkSync("..2026", join(directory, "..data"));
  writeFileSync(join(directory, "..2026", "a.crt"), certPem);
  writeFileSync(join(directory, "..2026", "a.key"), keyPem, { mode: 0o600 });
  symlinkSync(join("..data", "a.crt"), join(directory, "a.crt"));
  symlinkSync(join("..data", "a.key"), join(directory, "a.key"));
  assert.deepEqual(codes(), []);

  writeFileSync(join(outside, "a.key"), keyPem, { mode: 0o600 });
  symlinkSync(join(outside, "a.key"), join(directory, "next"));
  renameSync(join(directory, "next"), join(directory, "a.key"));
  assert.deepEqual(codes(), ["Z1314"]);
});

test("at a start the pair from before stands in for half a pair, and not for a key that is open to others", () => {
  const { certPem, keyPem } = certificate();
  const other = certificate();
  const kept = { certPath: "/etc/zion/a.crt", keyPath: "/etc/zion/a.key", certPem, keyPem };
  const withState = toml(a).replace("[server]", '[server]\nstate_dir = "state"');
  const start = (files: Readonly<Record<string, string>>, mode = 0o100600) => {
    const asked: string[] = [];
    const { config, diagnostics } = parseText(withState, {
      ...withFiles(files, { "/etc/zion/a.key": mode }),
      keptPair: (...paths) => {
        asked.push(paths.join(" "));
        return kept;
      },
    });
    const found = diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);
    return { found, asked, certPem: config?.tls?.default.certPem };
  };
  const half = { "/etc/zion/a.crt": other.certPem, "/etc/zion/a.key": keyPem };
  assert.deepEqual(start(half), {
    found: ["Z2134 2:13"],
    asked: ["/etc/zion/state /etc/zion/a.crt /etc/zion/a.key"],
    certPem,
  });
  assert.deepEqual(start({ ...half, "/etc/zion/a.crt": "" }).found, ["Z2134 2:13"]);
  assert.deepEqual(start({ "/etc/zion/a.key": keyPem }).found, ["Z2134 2:13"]);
  const whole = { "/etc/zion/a.crt": other.certPem, "/etc/zion/a.key": other.keyPem };
  assert.deepEqual(start(whole), { found: [], asked: [], certPem: other.certPem });
  assert.deepEqual(start(half, 0o100644).found, ["Z1314 3:12"]);
});

test('pq_mode = "require" is refused where it cannot be kept', () => {
  const codes = (pqMode: "require" | "prefer", minVersion: "1.2" | "1.3", isSupported: boolean) => {
    const findings = createFindings();
    checkPostQuantum({ pq_mode: pqMode, min_version: minVersion }, { findings }, () => isSupported);
    return findings.list.map(({ code }) => `${code} 0:0`);
  };
  assert.deepEqual(codes("require", "1.3", true), []);
  assert.deepEqual(codes("require", "1.2", true), ["Z1214 0:0"]);
  assert.deepEqual(codes("require", "1.3", false), ["Z1315 0:0"]);
  assert.deepEqual(codes("prefer", "1.2", false), []);
});
