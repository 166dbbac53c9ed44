import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { proxyV2 } from "../support/proxy-header.ts";
import { connect, field, type RawClient } from "../support/raw-client.ts";
import { type Bench, startBench } from "./bench.ts";
import { get } from "./case.ts";

// The test is the listed proxy: whom its header names is the client.

const server = 'proxy_protocol = ["127.0.0.1"]';
const v1 = "PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n";
const v2 = proxyV2(0x21, 0x11, "c000020ac6336401dc0401bb").toString("latin1");

async function seen({ edge, origin }: Bench, client: RawClient): Promise<(string | undefined)[]> {
  const answer = await client.answer();
  const line = await edge.logLine(field(answer!, "x-request-id")!);
  const told = origin.requests.at(-1)?.fields.find(([name]) => name === "x-forwarded-for")?.[1];
  return [String(answer!.status), line["client.address"] as string, told];
}

for (const [title, header, address] of [
  ["version 1", v1, "192.0.2.9"],
  ["version 2", v2, "192.0.2.10"],
] as const) {
  test(`the client is whom a header of ${title} names, to the log, the upstream and the gates`, async (t) => {
    const bench = await startBench(t, { server });
    const client = await connect(bench.edge.port);
    client.send(header + get("/x"));
    assert.deepEqual(await seen(bench, client), ["200", address, address]);
    // The header stands once, before the first request.
    client.send(get("/x"));
    assert.deepEqual(await seen(bench, client), ["200", address, address]);
    assert.equal(bench.edge.metric("zion_proxy_headers_total", `v${title.at(-1)}`), 1);
    client.socket.destroy();
  });

  test(`a header of ${title} in pieces, and the request in pieces of its own`, async (t) => {
    const bench = await startBench(t, { server });
    const client = await connect(bench.edge.port);
    await client.sendPieces([...header].concat(get("/x").slice(0, 9), get("/x").slice(9)));
    assert.deepEqual(await seen(bench, client), ["200", address, address]);
    client.socket.destroy();
  });

  test(`a header of ${title} before HTTP/2 by prior knowledge, and before HTTP/1.1 beside it`, async (t) => {
    const bench = await startBench(t, { server: `${server}\nh2c = true` });
    const client = await connect(bench.edge.port);
    client.send(header + get("/x"));
    assert.deepEqual(await seen(bench, client), ["200", address, address]);
    client.socket.destroy();
    const socket = net.connect(bench.edge.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(header, "latin1");
    const session = http2.connect("http://a.test", { createConnection: () => socket });
    t.after(() => session.destroy());
    const stream = session.request({ ":path": "/x" });
    const [fields] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    stream.resume();
    assert.equal(fields[":status"], 200);
    assert.equal((await bench.edge.logLine(String(fields["x-request-id"])))["client.address"], address);
  });

  test(`a header of ${title} before TLS, in a segment of its own and with the hello behind it`, async (t) => {
    const bench = await startBench(t, { server, tlsNames: [] });
    for (const together of [false, true]) {
      const answer = await askTls(t, bench.edge.tlsPort, header, together);
      assert.match(answer, /^HTTP\/1.1 200 /);
      const id = /^x-request-id: (.+)\r$/im.exec(answer)![1]!;
      assert.equal((await bench.edge.logLine(id))["client.address"], address);
    }
  });
}

/** Sends the header, then TLS over the same connection; together: they leave in one write. */
async function askTls(t: TestContext, port: number, header: string, together: boolean): Promise<string> {
  const raw = net.connect(port, "127.0.0.1");
  t.after(() => raw.destroy());
  await once(raw, "connect");
  if (together) raw.cork();
  raw.write(header, "latin1");
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  if (together) setImmediate(() => raw.uncork());
  await once(socket, "secureConnect");
  socket.write(get("/x", "Connection: close"));
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  return text;
}

test("a proxy that speaks for itself is itself", async (t) => {
  const bench = await startBench(t, { server });
  for (const header of ["PROXY UNKNOWN\r\n", proxyV2(0x20, 0, "").toString("latin1")]) {
    const client = await connect(bench.edge.port);
    client.send(header + get("/x"));
    assert.deepEqual(await seen(bench, client), ["200", "127.0.0.1", "127.0.0.1"]);
    client.socket.destroy();
  }
});

for (const [title, bytes] of [
  ["no header at all", get("/x")],
  ["a header with one space too many", v1.replace("TCP4 ", "TCP4  ") + get("/x")],
  [
    "a header of version 2 with half a TLV",
    `${proxyV2(0x21, 0x11, "c000020ac6336401dc0401bb04").toString("latin1")}${get("/x")}`,
  ],
  ["a second header", v1 + v1 + get("/x")],
] as const) {
  test(`a listed peer that sends ${title} gets nowhere`, async (t) => {
    const { edge, origin } = await startBench(t, { server });
    const client = await connect(edge.port);
    client.send(bytes);
    await client.untilOver();
    assert.equal(origin.connections.length, 0);
    const isSecond = title === "a second header";
    assert.equal(edge.metric("zion_reject_total", "proxy_header"), isSecond ? 0 : 1);
    assert.equal(edge.metric("zion_proxy_headers_total", "refused"), isSecond ? 0 : 1);
  });
}

test("a listed peer that sends half a header is let go in time", async (t) => {
  const { edge } = await startBench(t, { server: `${server}\nheader_timeout_ms = 100` });
  const client = await connect(edge.port);
  client.send(v1.slice(0, 20));
  await client.untilOver();
  assert.equal(edge.metric("zion_reject_total", "proxy_header"), 1);
});

test("nobody else's header is taken for one", async (t) => {
  const { edge, origin } = await startBench(t, { server: 'proxy_protocol = ["192.0.2.1"]' });
  const client = await connect(edge.port);
  client.send(v1 + get("/x"));
  assert.equal((await client.answer())?.status, 400);
  assert.equal(origin.connections.length, 0);
});

test("X-Forwarded-For of the named client is believed only if that client is a trusted proxy", async (t) => {
  const bench = await startBench(t, { server: `${server}\ntrusted_proxies = ["127.0.0.1", "192.0.2.10"]` });
  for (const [header, expected] of [
    [v1, "192.0.2.9"],
    [v2, "203.0.113.5"],
  ] as const) {
    const client = await connect(bench.edge.port);
    client.send(header + get("/x", "X-Forwarded-For: 203.0.113.5"));
    assert.equal((await seen(bench, client))[1], expected);
    client.socket.destroy();
  }
});

test("connections are counted for the named client, not for the proxy", async (t) => {
  const { edge } = await startBench(t, { server: `${server}\nmax_connections_per_ip = 2` });
  const clients: RawClient[] = [];
  for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1"]) {
    const client = await connect(edge.port);
    client.send(v1.replace("192.0.2.9", address) + get("/x"));
    clients.push(client);
    if (clients.length < 5) assert.equal((await client.answer())?.status, 200);
  }
  await clients[4]!.untilOver();
  assert.equal(edge.metric("zion_reject_total", "conn_cap_address"), 1);
  for (const client of clients) client.socket.destroy();
});

test("an internal route is not open to clients of an internal proxy", async (t) => {
  const { edge } = await startBench(t, { server, route: "internal_only = true" });
  for (const [address, status] of [
    ["192.0.2.9", 403],
    ["10.0.0.9", 200],
  ] as const) {
    const client = await connect(edge.port);
    client.send(v1.replace("192.0.2.9", address) + get("/x"));
    assert.equal((await client.answer())?.status, status);
    client.socket.destroy();
  }
});
