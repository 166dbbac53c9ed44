import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hasSerial, packSerials, serialDigest } from "../../src/identity/serial-set.ts";

test("a set has what was packed into it, and nothing else", () => {
  const serials = fc.uniqueArray(fc.bigInt({ min: -(2n ** 160n), max: 2n ** 160n }), { maxLength: 40 });
  fc.assert(
    fc.property(serials, serials, (inside, others) => {
      const packed = packSerials(inside.map((serial) => serial.toString(16)));
      for (const serial of inside) assert.equal(hasSerial(packed, serialDigest(serial.toString(16))), true);
      for (const serial of others)
        assert.equal(hasSerial(packed, serialDigest(serial.toString(16))), inside.includes(serial));
    }),
  );
});
