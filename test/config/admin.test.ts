import assert from "node:assert/strict";
import { test } from "node:test";
import {
  brief,
  certificate,
  codesAt,
  goodConfig,
  minimal,
  parseText,
  withFiles,
} from "../support/config-case.ts";

const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const pair = certificate();
const files = {
  "/etc/zion/admin.crt": pair.certPem,
  "/etc/zion/admin.key": pair.keyPem,
  "/etc/zion/ca.crt": pair.certPem,
};
const certificates = 'cert_path = "admin.crt"\nkey_path = "admin.key"\nclient_ca_path = "ca.crt"\n';
const options = () => withFiles(files);

/** The first line of [admin] is line 12. */
const admin = (text: string, inServer = "") =>
  `${minimal.replace("\n\n[upstream", `\n${inServer}\n[upstream`)}\n[admin]\n${text}\n`;
const found = (text: string, inServer = "") => codesAt(admin(text, inServer), options());
const problems = (text: string) => brief(parseText(admin(text), options()).diagnostics).join("\n");

test("tokens have a name, a digest, a role and an end", () => {
  const { admin: read } = goodConfig(
    admin(`write = true
[admin.token.ci]
sha256 = "${digest.toUpperCase()}"
role = "operate"
expires = 2030-06-30
[admin.token."on.call"]
sha256 = "${digest.replace("e3", "e4")}"
expires = "2030-06-30T12:00:00+02:00"`),
    options(),
  );
  assert.equal(read.write, true);
  assert.deepEqual(read.tokens, [
    { name: "ci", sha256: digest, role: "operate", expiresMs: Date.UTC(2030, 5, 30) },
    {
      name: "on.call",
      sha256: digest.replace("e3", "e4"),
      role: "read",
      expiresMs: Date.UTC(2030, 5, 30, 10),
    },
  ]);
});

test("the token of the environment turns writing on, as it always did", () => {
  assert.equal(goodConfig(admin('write_token_env = "ZION_ADMIN_TOKEN"')).admin.write, true);
  assert.equal(goodConfig(minimal).admin.write, false);
});

test("a token without a digest, a role that there is, or an end is refused", () => {
  assert.deepEqual(found("[admin.token.ci]"), ["Z1046 12:14", "Z1046 12:14"]);
  assert.deepEqual(found(`[admin.token.ci]\nsha256 = "${digest}"\nexpires = 2030-06-30\nrole = "oprate"`), [
    "Z1045 15:8",
  ]);
  assert.deepEqual(found(`[admin.token.ci]\nsha256 = "${digest}"\nexpires = "soon"`), ["Z1106 14:11"]);
  assert.deepEqual(found(`[admin.token."a b"]\nsha256 = "${digest}"\nexpires = 2030-06-30`), ["Z1110 12:14"]);
});

test("a token instead of its digest is refused and not shown", () => {
  const text = '[admin.token.ci]\nsha256 = "zion_admin_s3cr3t"\nexpires = 2030-06-30';
  assert.deepEqual(found(text), ["Z1106 13:10"]);
  assert.doesNotMatch(problems(text), /s3cr3t/);
});

test("one token under two names is refused: the record could not say who it was", () => {
  const one = (name: string) => `[admin.token.${name}]\nsha256 = "${digest}"\nexpires = 2030-06-30\n`;
  assert.deepEqual(found(one("a") + one("b")), ["Z1106 16:10"]);
});

test("a token that has expired is warned about", () => {
  assert.deepEqual(found(`[admin.token.ci]\nsha256 = "${digest}"\nexpires = 2020-06-30`), ["Z2117 14:11"]);
});

test("writing without a token that may is refused, a token that may without writing is warned about", () => {
  assert.deepEqual(found("write = true"), ["Z1226 12:9"]);
  assert.deepEqual(found(`write = true\n[admin.token.ci]\nsha256 = "${digest}"\nexpires = 2030-06-30`), [
    "Z1226 12:9",
  ]);
  const operate = `[admin.token.ci]\nsha256 = "${digest}"\nrole = "operate"\nexpires = 2030-06-30`;
  assert.deepEqual(found(operate), ["Z2108 14:8"]);
  assert.deepEqual(found(`write = true\n${operate}`), []);
});

test("beyond loopback certificates on both sides are a must, and all three files or none", () => {
  assert.deepEqual(found('listen = "0.0.0.0:9180"'), ["Z1223 12:10"]);
  assert.deepEqual(found('listen = "[::]:9180"'), ["Z1223 12:10"]);
  assert.deepEqual(found('listen = "0.0.0.0:9180"\ncert_path = "admin.crt"'), ["Z1046 11:2", "Z1046 11:2"]);
  assert.deepEqual(found(`listen = "0.0.0.0:9180"\n${certificates}`), []);
  const { tls } = goodConfig(admin(certificates), options()).admin;
  assert.deepEqual([tls!.certPath, tls!.clientCaPem], ["/etc/zion/admin.crt", pair.certPem]);
});

test("a Unix socket needs the lock of a state directory, and takes no certificates", () => {
  assert.deepEqual(found('listen = "unix:/run/zion.sock"'), ["Z1225 12:10"]);
  const state = 'state_dir = "state"\n';
  const { listen } = goodConfig(admin('listen = "unix:run/zion.sock"', state), options()).admin;
  assert.deepEqual(listen, { path: "/etc/zion/run/zion.sock" });
  assert.deepEqual(found('listen = "unix:"', state), ["Z1101 13:10"]);
  assert.deepEqual(found(`listen = "unix:/${"x".repeat(98)}"`, state), ["Z1101 13:10"]);
  assert.deepEqual(found(`listen = "unix:/run/zion.sock"\n${certificates}`, state), ["Z2108 14:13"]);
});

test("names of the listener are host names", () => {
  assert.deepEqual(found('hosts = ["admin.example", "https://x.example"]'), ["Z1103 12:27"]);
});
