import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { printSignature, readSignature } from "../../src/config/signature.ts";

const pem = { type: "pkcs8", format: "pem" } as const;
const spki = { type: "spki", format: "pem" } as const;
function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { secret: privateKey.export(pem).toString(), open: publicKey.export(spki).toString() };
}

const text = Buffer.from("[server]\n");
const { secret, open } = keyPair();

test("what was signed is read with its version", () => {
  const signed = readSignature(text, printSignature(text, 7, secret), open);
  assert.ok(typeof signed === "object");
  assert.equal(signed.version, 7);
  assert.match(signed.sha256, /^[0-9a-f]{64}$/);
});

test("another text, version or key is not what was signed", () => {
  const file = printSignature(text, 7, secret);
  const problem = /not of this configuration/;
  assert.match(String(readSignature(Buffer.from("[server] \n"), file, open)), problem);
  assert.match(String(readSignature(text, file.replace('"version":7', '"version":8'), open)), problem);
  assert.match(String(readSignature(text, file, keyPair().open)), problem);
});

test("a file that is no signature is said to be none", () => {
  for (const file of [
    "",
    "null",
    "{}",
    '{"version":0,"signature":""}',
    '{"version":1.5,"signature":""}',
    "[1]",
  ])
    assert.match(String(readSignature(text, file, open)), /^it (is not JSON|does not hold)/, file);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export(spki).toString();
  assert.match(String(readSignature(text, printSignature(text, 1, secret), rsa)), /not an Ed25519 key/);
});
