import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { readCertificateParts } from "../../src/identity/certificate-parts.ts";
import { readRevocationList } from "../../src/identity/crl.ts";
import {
  DerError,
  DerReader,
  INTEGER,
  integerText,
  objectIdText,
  SEQUENCE,
  timeMs,
} from "../../src/identity/der-reader.ts";
import { readSubjectNames } from "../../src/identity/subject-name.ts";
import { openClientAuthority } from "../support/client-ca.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

test("values are read in turn, and their contents again", () => {
  const reader = new DerReader(hex("30 06 02 01 05 02 01 ff 02 01 00"));
  const list = reader.open(SEQUENCE);
  assert.equal(integerText(list.next(INTEGER).content), "5");
  assert.equal(integerText(list.next(INTEGER).content), "-1");
  assert.equal(list.hasMore, false);
  assert.deepEqual(reader.next().whole, hex("02 01 00"));
});

for (const [what, text] of [
  ["nothing", ""],
  ["no length", "30"],
  ["an indefinite length", "30 80 00 00"],
  ["a length of five bytes", "30 85 00 00 00 00 01 00"],
  ["a length in a longer form than it needs", "30 81 05 00 00 00 00 00"],
  ["a length that begins with zero", "30 82 00 80"],
  ["a value longer than what holds it", "30 05 00"],
  ["a tag of several bytes", "1f 81 01 00"],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(() => new DerReader(hex(text)).next(), DerError);
  });
}

test("equal numbers have one text, however many bytes they were written with", () => {
  for (const [text, number] of [
    ["00", "0"],
    ["00 00 7f", "7f"],
    ["7f", "7f"],
    ["00 ff", "ff"],
    ["ff", "-1"],
    ["ff ff", "-1"],
    ["0a bc", "abc"],
  ] as const)
    assert.equal(integerText(hex(text)), number);
});

test("object identifiers and times are read in their one form", () => {
  assert.equal(objectIdText(hex("55 1d 11")), "2.5.29.17");
  assert.equal(objectIdText(hex("2a 86 48 ce 3d 04 03 02")), "1.2.840.10045.4.3.2");
  assert.throws(() => objectIdText(hex("55 9d")), DerError);
  const time = (tag: number, text: string) =>
    timeMs({ tag, content: Buffer.from(text), whole: Buffer.alloc(0) });
  assert.equal(time(0x17, "491231235959Z"), Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(time(0x17, "500101000000Z"), Date.UTC(1950, 0, 1));
  assert.equal(time(0x18, "20500101000000Z"), Date.UTC(2050, 0, 1));
  for (const [tag, text] of [
    [0x17, "4912312359Z"],
    [0x17, "491331000000Z"],
    [0x17, "490230000000Z"],
    [0x18, "20500101000000.5Z"],
    [0x18, "20500101000000+0100"],
    [0x04, "491231235959Z"],
  ] as const)
    assert.throws(() => time(tag, text), DerError);
});

const root = openClientAuthority("Root");
const leaf = root.issue("leaf", {
  extensions: ["subjectAltName=DNS:a.test,URI:spiffe://a.test/b,email:a@b.test"],
});
root.revoke(leaf);
const der = new X509Certificate(leaf.certPem).raw;
const list = Buffer.from(readFileSync(root.crl("list"), "latin1").replace(/-----.*-----/g, ""), "base64");

test("what is read of a certificate is what OpenSSL reads", () => {
  const x509 = new X509Certificate(leaf.certPem);
  const parts = readCertificateParts(der);
  assert.equal(parts.serial.toUpperCase(), x509.serialNumber);
  assert.deepEqual(parts.publicKey, x509.publicKey.export({ type: "spki", format: "der" }));
  assert.deepEqual(
    readSubjectNames(parts.subjectAltName!)!.map(({ kind, value }) => `${kind}:${value}`),
    ["dns:a.test", "uri:spiffe://a.test/b", "email:a@b.test"],
  );
  assert.deepEqual(parts.issuer, readCertificateParts(new X509Certificate(root.certPem).raw).subject);
});

test("what is read of a revocation list is what was revoked, and only its signer's key fits", () => {
  const read = readRevocationList(list);
  assert.deepEqual(read.serials, [readCertificateParts(der).serial]);
  const { publicKey } = new X509Certificate(root.certPem);
  assert.equal(read.isSignedBy(publicKey), true);
  assert.equal(read.isSignedBy(new X509Certificate(leaf.certPem).publicKey), false);
});

test("whatever bytes are changed, cut or added, readers give a value or a DerError, and no changed list is believed", () => {
  const { publicKey } = new X509Certificate(root.certPem);
  const damage = fc.record({
    at: fc.nat(Math.max(der.length, list.length) - 1),
    byte: fc.nat(255),
    end: fc.option(fc.nat(list.length), { freq: 4 }),
  });
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (wounds) => {
      for (const [whole, read] of [
        [der, (bytes: Buffer) => void readCertificateParts(bytes)],
        [
          list,
          (bytes: Buffer) => {
            // A changed algorithm's name, or a byte that was not changed at all, is no other list.
            const { isSignedBy, serials } = readRevocationList(bytes);
            if (isSignedBy(publicKey)) assert.deepEqual(serials, readRevocationList(list).serials);
          },
        ],
      ] as const) {
        let bytes = Buffer.from(whole);
        for (const { at, byte, end } of wounds) {
          if (at < bytes.length) bytes[at] = byte;
          if (end !== null) bytes = bytes.subarray(0, end);
        }
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof DerError)) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});
