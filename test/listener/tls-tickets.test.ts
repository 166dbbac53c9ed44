import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { certificateFor, openFront, tlsConfig, visit } from "./tls-front.ts";

const config = tlsConfig({ sni: [{ serverName: "other.test", ...certificateFor("other.test") }] });

for (const servername of ["localhost", "other.test"]) {
  test(`a ticket for ${servername} is taken by another server with the same keys, and not after a rotation`, async (t) => {
    const one = await openFront(t, { config });
    const two = await openFront(t, { config });
    const first = await visit(one.port, { servername });
    assert.equal(first.resumed, false);
    const second = await visit(two.port, { servername, session: first.session! });
    assert.equal(second.resumed, true);
    assert.deepEqual(two.secured[0]!.facts, { ...one.secured[0]!.facts, resumed: true });

    const keys = randomBytes(48);
    two.tls.setTicketKeys(keys);
    const third = await visit(two.port, { servername, session: second.session! });
    assert.equal(third.resumed, false);
    assert.equal(third.text, "hello");
    // The first server still has the old keys; it takes the new tickets once it has the new ones.
    assert.equal((await visit(one.port, { servername, session: third.session! })).resumed, false);
    one.tls.setTicketKeys(keys);
    assert.equal((await visit(one.port, { servername, session: third.session! })).resumed, true);
  });
}

test("a ticket survives a reload, also one that renews the certificate", async (t) => {
  const front = await openFront(t, { config });
  const { session } = await visit(front.port, { servername: "other.test" });
  front.tls = front.build(
    tlsConfig({ sni: [{ serverName: "other.test", ...certificateFor("other.test") }] }),
  );
  assert.equal((await visit(front.port, { servername: "other.test", session: session! })).resumed, true);
});

test("a ticket of TLS 1.2 is taken too", async (t) => {
  const front = await openFront(t, { config: tlsConfig({ minVersion: "1.2" }) });
  const { session } = await visit(front.port, { maxVersion: "TLSv1.2" });
  assert.equal((await visit(front.port, { maxVersion: "TLSv1.2", session: session! })).resumed, true);
});

test("with session_tickets = 0 nothing is resumed", async (t) => {
  const front = await openFront(t, { config: { ...config, sessionTickets: 0 } });
  for (const servername of ["localhost", "other.test"]) {
    const first = await visit(front.port, { servername });
    const again = await visit(
      front.port,
      first.session === undefined ? { servername } : { servername, session: first.session },
    );
    assert.equal(again.resumed, false);
    assert.equal(again.text, "hello");
  }
});

test("a ticket of foreign keys or of garbage means a full handshake", async (t) => {
  const front = await openFront(t, { config });
  const stranger = await openFront(t, { config, server: { ticketKeys: randomBytes(48) } });
  const { session } = await visit(stranger.port);
  assert.equal((await visit(front.port, { session: session! })).resumed, false);
  assert.deepEqual(front.failures, []);
});

test("a ticket does not depend on the command line of the process, so it outlives an upgrade", async (t) => {
  const front = await openFront(t, { config });
  const { session } = await visit(front.port);
  // Node's default session id context is a hash of it.
  process.argv.push("--another");
  t.after(() => process.argv.pop());
  const upgraded = await openFront(t, { config });
  assert.equal((await visit(upgraded.port, { session: session! })).resumed, true);
});
