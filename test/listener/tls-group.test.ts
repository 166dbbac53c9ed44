import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { takeTlsGroup } from "../../src/listener/tls-group.ts";

test("the group of a session is found, and its bytes are wiped", () => {
  const whole = Buffer.from("3008020101b303020117", "hex");
  assert.equal(takeTlsGroup(whole), "prime256v1");
  assert.ok(whole.every((byte) => byte === 0));
});

test("what is no session is of no known group, and nothing is thrown", () => {
  const byte = fc.constantFrom(0x00, 0x02, 0x30, 0x80, 0x81, 0x83, 0x84, 0xb3, 0xff);
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 24 }), (bytes) => {
      assert.equal(takeTlsGroup(Buffer.from(bytes)), "other");
    }),
    { numRuns: 2000 },
  );
});
