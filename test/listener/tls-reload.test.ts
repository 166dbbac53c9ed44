import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { certificateFor, closed, openFront, tlsConfig, visit } from "./tls-front.ts";

test("a new generation serves new connections with its certificate; old connections live on", async (t) => {
  const front = await openFront(t, {
    config: tlsConfig({ default: certificateFor("old.test") }),
    serve: (socket) => {
      socket.on("data", (chunk) => socket.write(chunk));
      socket.on("end", () => socket.end());
    },
  });
  const veteran = connect({ host: "127.0.0.1", port: front.port, rejectUnauthorized: false });
  await once(veteran, "secureConnect");
  assert.equal(veteran.getPeerX509Certificate()?.subject, "CN=old.test");

  const retired = front.tls;
  front.tls = front.build(tlsConfig({ default: certificateFor("new.test") }));
  retired.close();

  const recruit = connect({ host: "127.0.0.1", port: front.port, rejectUnauthorized: false });
  await once(recruit, "secureConnect");
  assert.equal(recruit.getPeerX509Certificate()?.subject, "CN=new.test");
  for (const client of [veteran, recruit]) {
    client.write("still here");
    assert.equal(String((await once(client, "data"))[0]), "still here");
    client.end();
    client.resume();
  }
  await front.emptied();
});

test("a handshake that began before the swap ends with the old certificate", async (t) => {
  const front = await openFront(t, { config: tlsConfig({ default: certificateFor("old.test") }) });
  const raw = connectPlain(front.port, "127.0.0.1");
  await once(raw, "connect");
  while (front.tls.countHandshakes() === 0) await new Promise((done) => setImmediate(done));
  const retired = front.tls;
  front.tls = front.build(tlsConfig({ default: certificateFor("new.test") }));
  retired.close();
  assert.equal(retired.countHandshakes(), 1);
  const client = connect({ socket: raw, rejectUnauthorized: false });
  await once(client, "secureConnect");
  assert.equal(client.getPeerX509Certificate()?.subject, "CN=old.test");
  client.resume();
  await front.emptied();
});

test("a closed server destroys new connections and those in handshake only when told so", async (t) => {
  const front = await openFront(t, { serve: (socket) => socket.resume() });
  const live = connect({ host: "127.0.0.1", port: front.port, rejectUnauthorized: false });
  const { socket } = await front.nextSecured();
  const waiting = connectPlain(front.port, "127.0.0.1");
  waiting.on("error", () => {});
  await once(waiting, "connect");
  while (front.tls.countHandshakes() === 0) await new Promise((done) => setImmediate(done));

  front.tls.close();
  await assert.rejects(visit(front.port));
  assert.deepEqual(front.failures, ["closed"]);
  assert.equal(front.tls.countHandshakes(), 1);

  waiting.resume();
  const gone = closed(waiting);
  front.tls.destroyHandshakes();
  await gone;
  assert.deepEqual(front.failures, ["closed", "closed"]);
  assert.equal(front.tls.countHandshakes(), 0);
  assert.equal(socket.destroyed, false);
  socket.end();
  live.resume();
  await front.emptied();
});
