import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { clientHello } from "../listener/tls-hello.ts";
import { hasOpenssl, sClientSays } from "../listener/tls-openssl.ts";
import { type ClientPair, openClientAuthority } from "../support/client-ca.ts";
import { newDirectory } from "../support/directory.ts";
import { openFrames, request } from "../support/h2-frames.ts";
import { ok } from "../support/origin.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { type Bench, type BenchOptions, benchConfig, startBench } from "./bench.ts";
import { bare } from "./case.ts";

// Hosts with rules of their own on one listener: which handshake asks whom, and that no way leads around it.

const root = openClientAuthority("Root");
const partners = openClientAuthority("Partners");
const good = root.issue("good");
const partner = partners.issue("partner");

const ca = (authority: ClientPair): string => `client_ca_path = ${JSON.stringify(authority.certPath)}`;

/** open.test and localhost ask nobody, staff.test its own, partner.test others, maybe.test whoever likes. */
const hosts: BenchOptions = {
  tlsNames: ["open.test", "staff.test", "partner.test", "maybe.test"],
  sni: {
    "staff.test": `client_auth = "required"\n${ca(root)}`,
    "partner.test": `client_auth = "required"\n${ca(partners)}`,
    "maybe.test": `client_auth = "optional"\n${ca(root)}`,
  },
};

function client(
  servername: string,
  pair?: ClientPair,
  more: ConnectionOptions = {},
): { tls: ConnectionOptions } {
  return {
    tls: { servername, ...(pair === undefined ? {} : { cert: pair.certPem, key: pair.keyPem }), ...more },
  };
}

async function reasonOf({ edge }: Bench, answer: Awaited<ReturnType<typeof ask>>): Promise<unknown> {
  return (await edge.logLine(field(answer, "x-request-id")!))["zion.reason"];
}

test("each name asks by its own rules", async (t) => {
  const bench = await startBench(t, hosts);
  for (const [name, pair, status] of [
    ["open.test", undefined, 200],
    ["open.test", partner, 200],
    ["localhost", undefined, 200],
    ["staff.test", undefined, 403],
    ["staff.test", good, 200],
    ["staff.test", partner, 403],
    ["partner.test", good, 403],
    ["partner.test", partner, 200],
    ["maybe.test", undefined, 200],
    ["maybe.test", good, 200],
    ["maybe.test", partner, 403],
    ["STAFF.test", undefined, 403],
    ["staff.test.", undefined, 403],
  ] as const) {
    const host = name.toLowerCase().replace(/\.$/, "");
    const answer = await ask(bench.edge.tlsPort, bare(`Host: ${host}`), client(name, pair));
    assert.equal(answer.status, status, `${name} with ${pair?.certPath}`);
  }
});

test("a Host with other rules than the name of the handshake is misdirected, with a good certificate too", async (t) => {
  const bench = await startBench(t, hosts);
  for (const [name, pair, host] of [
    ["open.test", undefined, "staff.test"],
    ["open.test", undefined, "maybe.test"],
    ["maybe.test", undefined, "staff.test"],
    ["maybe.test", good, "staff.test"],
    ["staff.test", good, "partner.test"],
    ["staff.test", good, "open.test"],
    ["unknown.test", undefined, "staff.test"],
    // No SNI: Node sends none for an address.
    ["", undefined, "staff.test"],
  ] as const) {
    bench.origin.forget();
    const answer = await ask(bench.edge.tlsPort, bare(`Host: ${host}`), client(name, pair));
    assert.equal(answer.status, 421, `${name} asked for ${host}`);
    assert.equal(await reasonOf(bench, answer), "client_auth_policy");
    assert.equal(bench.origin.requests.length, 0);
  }
});

test("HTTP/2 streams for a host with other rules are misdirected, and the others go on", async (t) => {
  const bench = await startBench(t, { ...hosts, tls: 'alpn = ["h2"]' });
  const frames = await openFrames(bench.edge.tlsPort, { serverName: "open.test" });
  t.after(() => frames.end());
  const head = (authority: string) =>
    [
      [":method", "GET"],
      [":scheme", "https"],
      [":authority", authority],
      [":path", "/x"],
    ] as const;
  frames.send(request(1, head("staff.test")), request(3, head("open.test")));
  assert.equal(await frames.outcome(1), "421");
  assert.equal(await frames.outcome(3), "200");
});

test("a request without Host is judged by the rules of connections without a name", async (t) => {
  const { edge } = await startBench(t, hosts);
  assert.equal((await ask(edge.tlsPort, "GET /x HTTP/1.0\r\n\r\n", client("staff.test", good))).status, 421);
  assert.equal((await ask(edge.tlsPort, "GET /x HTTP/1.0\r\n\r\n", client("localhost"))).status, 200);
});

for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
  test(`a ticket of ${maxVersion} for a host without certificates opens none that requires one`, async (t) => {
    const bench = await startBench(t, { ...hosts, tls: 'min_version = "1.2"' });
    const { tlsPort } = bench.edge;
    const session = await ticketOf(tlsPort, client("open.test", undefined, { maxVersion }).tls);
    // The ticket is good where it came from.
    const again = await resume(tlsPort, { servername: "open.test", maxVersion, session }, "open.test");
    assert.deepEqual(again, { resumed: true, status: 200 });
    for (const servername of ["staff.test", "maybe.test", "partner.test"]) {
      const asked = await resume(tlsPort, { servername, maxVersion, session }, servername);
      assert.deepEqual(asked, { resumed: false, status: servername === "maybe.test" ? 200 : 403 });
    }
    // The name of the ticket, and the Host of another: misdirected, whatever was resumed.
    const fronted = await resume(tlsPort, { servername: "open.test", maxVersion, session }, "staff.test");
    assert.equal(fronted.status, 421);
  });

  test(`a ticket of ${maxVersion} holds its certificate, and is good under its own rules only`, async (t) => {
    const bench = await startBench(t, { ...hosts, tls: 'min_version = "1.2"' });
    const { tlsPort } = bench.edge;
    const session = await ticketOf(tlsPort, client("staff.test", good, { maxVersion }).tls);
    const again = await resume(tlsPort, { servername: "staff.test", maxVersion, session }, "staff.test");
    assert.deepEqual(again, { resumed: true, status: 200 });
    assert.match(
      bench.origin.requests[0]!.fields.find(([name]) => name === "x-client-cert-subject")![1],
      /^CN=good,/,
    );
    const other = await resume(tlsPort, { servername: "partner.test", maxVersion, session }, "partner.test");
    assert.deepEqual(other, { resumed: false, status: 403 });
    // A bad certificate stays bad in its ticket.
    const badSession = await ticketOf(tlsPort, client("staff.test", partner, { maxVersion }).tls);
    const bad = await resume(
      tlsPort,
      { servername: "staff.test", maxVersion, session: badSession },
      "staff.test",
    );
    assert.equal(bad.status, 403);
  });

  test(`openssl's client, too, resumes nothing across rules with ${maxVersion}`, async (t) => {
    if (!hasOpenssl(t)) return;
    const { edge } = await startBench(t, { ...hosts, tls: 'min_version = "1.2"' });
    const folder = newDirectory("sess");
    const file = path.join(folder, "session.pem");
    const version = maxVersion === "TLSv1.3" ? "-tls1_3" : "-tls1_2";
    const say = (host: string): string => `GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const given = await sClientSays(
      edge.tlsPort,
      say("open.test"),
      ...["-servername", "open.test", version, "-sess_out", file],
    );
    assert.match(given, /HTTP\/1\.1 200/);
    const taken = await sClientSays(
      edge.tlsPort,
      say("open.test"),
      ...["-servername", "open.test", version, "-sess_in", file],
    );
    assert.match(taken, /^Reused, /m);
    const refused = await sClientSays(
      edge.tlsPort,
      say("staff.test"),
      ...["-servername", "staff.test", version, "-sess_in", file],
    );
    assert.match(refused, /^New, /m);
    assert.match(refused, /HTTP\/1\.1 403/);
  });
}

test("only names that ask send a certificate request", async (t) => {
  if (!hasOpenssl(t)) return;
  const { edge } = await startBench(t, hosts);
  const said = (name: string): Promise<string> =>
    sClientSays(edge.tlsPort, "GET / HTTP/1.0\r\n\r\n", "-servername", name);
  assert.match(await said("open.test"), /No client certificate CA names sent/);
  assert.match(
    await said("staff.test"),
    /Acceptable client certificate CA names\nO = Zion Test, CN = Root\n/,
  );
  assert.match(
    await said("partner.test"),
    /Acceptable client certificate CA names\nO = Zion Test, CN = Partners\n/,
  );
});

const byRoute: BenchOptions = {
  tlsNames: ["admin.test", "shop.test"],
  tls: ca(root),
  route: 'name = "rest"',
  tables: `
[[route]]
path = "/admin/{*rest}"
hosts = ["admin.test", "*.admin.test"]
upstream = "app"
waf = false
client_auth = "required"
`,
};

test("a route that requires a certificate has it asked for at its hosts, and there nobody else must show one", async (t) => {
  const bench = await startBench(t, byRoute);
  const { tlsPort } = bench.edge;
  for (const [name, target, pair, status] of [
    ["admin.test", "/admin/x", undefined, 403],
    ["admin.test", "/admin/x", good, 200],
    ["admin.test", "/x", undefined, 200],
    ["deep.below.admin.test", "/admin/x", undefined, 403],
    ["deep.below.admin.test", "/admin/x", good, 200],
    ["shop.test", "/x", undefined, 200],
  ] as const) {
    const text = `GET ${target} HTTP/1.1\r\nHost: ${name}\r\n\r\n`;
    const answer = await ask(tlsPort, text, client(name, pair));
    assert.equal(answer.status, status, `${name}${target}`);
  }
  // shop.test's handshake asks nobody.
  const fronted = await ask(
    tlsPort,
    "GET /admin/x HTTP/1.1\r\nHost: admin.test\r\n\r\n",
    client("shop.test", good),
  );
  assert.equal(fronted.status, 421);
  const plain = await ask(bench.edge.port, "GET /admin/x HTTP/1.1\r\nHost: admin.test\r\n\r\n");
  assert.equal(plain.status, 403);
});

test("a redirecting listener redirects to a host that requires a certificate, without one", async (t) => {
  const { edge } = await startBench(t, { ...hosts, redirect: true });
  assert.equal((await ask(edge.port, bare("Host: staff.test"))).status, 301);
});

test("a hello that cannot be read is OpenSSL's to refuse, and opens nothing", async (t) => {
  const { edge } = await startBench(t, hosts);
  const twice = [Buffer.from("open.test"), Buffer.from("staff.test")];
  for (const bytes of [
    clientHello({ serverNames: twice }),
    clientHello({ serverNames: [Buffer.from("staff\0.test")] }),
    clientHello({ serverNames: [Buffer.alloc(0)] }),
    Buffer.concat([
      clientHello({ serverNames: [Buffer.from("staff.test")] }).subarray(0, 60),
      Buffer.alloc(300),
    ]),
    Buffer.from("GET / HTTP/1.1\r\nHost: staff.test\r\n\r\n"),
    Buffer.from([22, 3, 1, 0, 0]),
  ]) {
    const raw = await connect(edge.tlsPort);
    raw.send(bytes);
    raw.end();
    await raw.untilOver();
    assert.ok(!raw.received.includes("HTTP/1.1 200"));
  }
  assert.equal((await ask(edge.tlsPort, bare("Host: staff.test"), client("staff.test", good))).status, 200);
});

test("a hello in pieces of one byte chooses the same rules", async (t) => {
  const { edge } = await startBench(t, hosts);
  const port = await startTrickle(t, edge.tlsPort);
  const answer = await ask(port, bare("Host: staff.test"), client("staff.test", good));
  assert.equal(answer.status, 200);
});

test("other rules after a reload: open connections are misdirected and end, new ones are asked by them", async (t) => {
  const folder = newDirectory("bundle");
  const bundle = path.join(folder, "bundle.pem");
  writeFileSync(bundle, root.certPem);
  const options = {
    tlsNames: [],
    tls: `client_auth = "required"\nclient_ca_path = ${JSON.stringify(bundle)}`,
  };
  const { edge, origin } = await startBench(t, options);
  const open = async () => {
    const held = await connect(edge.tlsPort, client("localhost", good));
    t.after(() => held.destroy());
    held.send(bare("Host: localhost"));
    assert.equal((await held.answer())!.status, 200);
    return held;
  };
  const idle = await open();
  edge.reload(benchConfig(origin.port, options));
  idle.send(bare("Host: localhost"));
  assert.equal((await idle.answer())!.status, 200, "the same rules");

  const session = await ticketOf(edge.tlsPort, client("localhost", good).tls);
  writeFileSync(bundle, partners.certPem);
  edge.reload(benchConfig(origin.port, options));
  await idle.untilOver();
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), client("localhost", good))).status, 403);
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), client("localhost", partner))).status, 200);
  // A ticket is bound to the rules it was given under.
  const old = await resume(edge.tlsPort, { servername: "localhost", session }, "localhost");
  assert.deepEqual(old, { resumed: false, status: 403 });
});

test("a connection that is busy while the rules change is misdirected at its next request, and closed", async (t) => {
  const folder = newDirectory("bundle");
  const bundle = path.join(folder, "bundle.pem");
  writeFileSync(bundle, root.certPem);
  let answer: () => void = () => {};
  const options: BenchOptions = {
    tlsNames: [],
    tls: `client_auth = "required"\nclient_ca_path = ${JSON.stringify(bundle)}`,
    script: (_request, connection) => {
      answer = () => void connection.socket.write(ok("late"));
    },
  };
  const { edge, origin } = await startBench(t, options);
  const held = await connect(edge.tlsPort, client("localhost", good));
  t.after(() => held.destroy());
  held.send(bare("Host: localhost"));
  while (origin.requests.length === 0) await new Promise((done) => setImmediate(done));
  writeFileSync(bundle, partners.certPem);
  edge.reload(benchConfig(origin.port, options));
  answer();
  assert.equal((await held.answer())!.status, 200, "what was begun under the old rules is finished");
  held.send(bare("Host: localhost"));
  const refused = (await held.answer())!;
  assert.equal(refused.status, 421);
  assert.equal(field(refused, "connection"), "close");
  assert.equal((await edge.logLine(field(refused, "x-request-id")!))["zion.reason"], "client_auth_changed");
});

/** Passes on what a client says in segments of one byte. */
async function startTrickle(t: TestContext, port: number): Promise<number> {
  const relay = net.createServer((from) => {
    const to = net.connect({ port, host: "127.0.0.1", noDelay: true });
    let turn: Promise<void> = Promise.resolve();
    from.on("data", (bytes) => {
      for (const byte of bytes)
        turn = turn.then(
          () => new Promise((done) => to.write(Buffer.from([byte]), () => setImmediate(done))),
        );
    });
    to.pipe(from);
    for (const one of [from, to]) {
      one.on("error", () => {});
      one.on("close", () => {
        from.destroy();
        to.destroy();
      });
    }
  });
  await new Promise<void>((done) => relay.listen(0, "127.0.0.1", done));
  t.after(() => relay.close());
  return (relay.address() as net.AddressInfo).port;
}

async function ticketOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const raw = await connect(port, { tls: options });
  // Of TLS 1.2 it came with the handshake.
  let ticket: Buffer | undefined =
    options.maxVersion === "TLSv1.2" ? (raw.socket as TLSSocket).getSession() : undefined;
  raw.socket.on("session", (session: Buffer) => {
    ticket = session;
  });
  raw.send(`GET /x HTTP/1.1\r\nHost: ${options.servername}\r\n\r\n`);
  await raw.answer();
  while (ticket === undefined) await new Promise((done) => raw.socket.once("session", done));
  raw.destroy();
  return ticket;
}

async function resume(
  port: number,
  options: ConnectionOptions,
  host: string,
): Promise<{ readonly resumed: boolean; readonly status: number }> {
  const raw = await connect(port, { tls: options });
  const resumed = (raw.socket as TLSSocket).isSessionReused();
  raw.send(bare(`Host: ${host}`));
  const answer = await raw.answer();
  raw.destroy();
  return { resumed, status: answer!.status };
}
