import assert from "node:assert/strict";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { codesAt, goodConfig, minimal, withFiles } from "../support/config-case.ts";

const used = `${minimal}limits = ["a"]\n[limit.a]\nrate = 1\nstore = "valkey"\n[valkey]\n`;
const files = { "/p": "secret\n", "/empty": "\n", "/ca": makeSelfSigned({ names: ["a"], days: 1 }).certPem };

/** Lines from line 15. */
const cases: readonly (readonly [title: string, lines: string, ...found: string[]])[] = [
  ["a store without a url", "", "Z1046 14:2"],
  ["what is no url", 'url = "127.0.0.1:6379"', "Z1106 15:7"],
  ["a password in the url", 'url = "rediss://user:pass@valkey.test"', "Z1106 15:7"],
  ["a port that is none", 'url = "rediss://valkey.test:99999"', "Z1106 15:7"],
  ["another host without TLS", 'url = "redis://valkey.test"', "Z1214 15:7"],
  ["a user without a password", 'url = "redis://[::1]"\nusername = "zion"', "Z1046 14:2"],
  ["a password file that is not there", 'url = "redis://127.0.0.1"\npassword_file = "/x"', "Z1301 16:17"],
  ["one that is empty", 'url = "redis://127.0.0.1"\npassword_file = "/empty"', "Z1106 16:17"],
  ["a CA without TLS", 'url = "redis://127.0.0.1"\nca_path = "/ca"', "Z1214 16:11"],
  ["a CA that is none", 'url = "rediss://valkey.test"\nca_path = "/p"', "Z1302 16:11"],
  ["a name that is none", 'url = "rediss://10.0.0.1"\nserver_name = "a b"', "Z1103 16:15"],
  ["a time-out of nothing", 'url = "redis://127.0.0.1"\ncommand_timeout_ms = 0', "Z1043 16:22"],
];

for (const [title, lines, ...found] of cases) {
  test(`points at ${title}`, () => {
    assert.deepEqual(codesAt(`${used}${lines}\n`, withFiles(files)), found);
  });
}

test("points at a store that no limit counts in", () => {
  assert.deepEqual(codesAt(`${minimal}[valkey]\nurl = "redis://127.0.0.1"\n`), ["Z2108 10:2"]);
});

test("a store has a port, a database and time-outs; the password is not read into the configuration", () => {
  const { limitStore } = goodConfig(
    `${used}url = "rediss://valkey.test/3"\nusername = "zion"\npassword_file = "/p"\nca_path = "/ca"\n`,
    withFiles(files),
  );
  assert.deepEqual(limitStore, {
    tls: true,
    host: "valkey.test",
    port: 6379,
    database: 3,
    username: "zion",
    passwordFile: "/p",
    caPem: files["/ca"],
    serverName: undefined,
    connectTimeoutMs: 1000,
    commandTimeoutMs: 250,
  });
  const plain = goodConfig(`${used}url = "valkey://10.0.0.1:7000"\nallow_plaintext = true\n`);
  assert.deepEqual([plain.limitStore!.tls, plain.limitStore!.port], [false, 7000]);
});
