import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { memberOf, openTicket, sealTicket, stickyKey } from "../../src/upstream/sticky-ticket.ts";

const key = stickyKey(Buffer.alloc(32, 1), "app");
const untilSecs = fc.integer({ min: 0, max: 0xffff_ffff });
const url = fc.constantFrom("http://10.0.0.1:80", "http://10.0.0.2:80", "unix:/run/app.sock");

test("a ticket says what was sealed in it, and fits into a cookie", () => {
  fc.assert(
    fc.property(untilSecs, url, (until, of) => {
      const ticket = { member: memberOf(key, of), untilSecs: until };
      const text = sealTicket(key, ticket);
      assert.match(text, /^[\w-]{38}$/);
      assert.deepEqual(openTicket(key, text), ticket);
    }),
  );
});

test("no other text opens: a changed character, another length, another key", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \0é";
  const change = fc.record({
    at: fc.integer({ min: 0, max: 37 }),
    to: fc.constantFrom(...alphabet),
    more: fc.constantFrom("", "", "A", "="),
  });
  fc.assert(
    fc.property(untilSecs, url, change, (until, of, { at, to, more }) => {
      const text = sealTicket(key, { member: memberOf(key, of), untilSecs: until });
      const changed = text.slice(0, at) + to + text.slice(at + 1) + more;
      if (changed !== text) assert.equal(openTicket(key, changed), undefined);
      assert.equal(openTicket(stickyKey(Buffer.alloc(32, 1), "other"), text), undefined);
      assert.equal(openTicket(stickyKey(Buffer.alloc(32, 2), "app"), text), undefined);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => assert.equal(openTicket(key, text), undefined)));
});

test("a member is not to be read out of a ticket, nor guessed from another upstream's", () => {
  const address = "http://10.1.2.3:8080";
  const text = sealTicket(key, { member: memberOf(key, address), untilSecs: 1 });
  assert.equal(Buffer.from(text, "base64url").includes("10.1.2.3"), false);
  assert.notEqual(memberOf(key, address), memberOf(stickyKey(randomBytes(32), "app"), address));
});
