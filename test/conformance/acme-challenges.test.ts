import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import net, { type AddressInfo } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { clientHello } from "../listener/tls-hello.ts";
import { startEdge } from "../support/edge.ts";
import { askRaw, startBench } from "./bench.ts";

// Who may ask for what while an order is under way (reliability.md AC1-AC3, C47; RFC 8555 §8.3, RFC 8737 §3).

const token = "shUYudTXNJpoW5Tf0IGVzHsPouOPevkeVDPpUzBFbzY";
const answer = `${token}.TH-nroZ4ZkwTtZxNSq67byTsB4yBrbTEYwo1I_Vts2U`;
const challenge = { host: "shop.test", token, answer };
const prefix = "/.well-known/acme-challenge/";

function get(target: string, host = "shop.test", method = "GET", more = ""): string {
  return `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;
}

test("an open challenge is answered for its host, on the listener that redirects, and for a client that no list lets in", async (t) => {
  const { edge, origin } = await startBench(t, {
    tlsNames: [],
    redirect: true,
    server: 'lists = ["nobody"]\nmax_in_flight_per_ip = 1',
    tables: '[list.nobody]\ncidrs = ["127.0.0.0/8"]\naction = "deny"',
  });
  assert.match(await askRaw(edge.port, get(`${prefix}${token}`)), /^HTTP\/1\.1 403 /);
  edge.setChallenges([challenge], []);
  const said = await askRaw(edge.port, get(`${prefix}${token}`, "Shop.test:80"));
  assert.match(said, /^HTTP\/1\.1 200 /);
  assert.ok(said.endsWith(`\r\n\r\n${answer}`), said);
  assert.match(await askRaw(edge.port, get(`${prefix}${token}x`)), /^HTTP\/1\.1 403 /);
  edge.setChallenges([], []);
  assert.match(await askRaw(edge.port, get(`${prefix}${token}`)), /^HTTP\/1\.1 403 /);
  assert.equal(origin.requests.length, 0);
});

test("everything else below the prefix is a request like any other", async (t) => {
  const { edge, origin } = await startBench(t, {
    script: (_request, { socket }) => void socket.write("HTTP/1.1 204 No Content\r\n\r\n"),
  });
  edge.setChallenges([challenge], []);
  const others = [
    get(`${prefix}${token}`, "other.test"),
    get(`${prefix}${token}`, "shop.test", "HEAD"),
    get(`${prefix}${token}`, "shop.test", "POST", "Content-Length: 0\r\n"),
    get(`${prefix}${token}`, "shop.test", "GET", "Content-Length: 1\r\n").concat("x"),
    get(`${prefix}${token}?a=1`),
    get(`${prefix}${token}/`),
    get(`${prefix}${token}A`),
    get(`${prefix}${token.slice(1)}`),
    get(prefix),
    get(`${prefix}unknown`),
    get(`${prefix}${"a".repeat(4000)}`),
    get(`${prefix}__proto__`),
    get(`${prefix.toUpperCase()}${token}`),
  ];
  for (const request of others) assert.match(await askRaw(edge.port, request), /^HTTP\/1\.1 204 /, request);
  assert.equal(origin.requests.length, others.length);
});

test("the WAF looks at what is below the prefix", async (t) => {
  const { edge, origin } = await startBench(t, { waf: true });
  edge.setChallenges([challenge], []);
  const attacks = [
    get(`${prefix}..%2f..%2fetc%2fpasswd`),
    get(`${prefix}x?q=%3Cscript%3Ealert(1)%3C/script%3E`),
    get(`${prefix}x?id=1'%20union%20select%20password%20from%20users--`),
  ];
  for (const request of attacks) assert.match(await askRaw(edge.port, request), /^HTTP\/1\.1 400 /, request);
  assert.equal(origin.requests.length, 0);
});

const digest = createHash("sha256").update(answer).digest();
const tlsChallenge = {
  host: "shop.test",
  ...makeSelfSigned({ names: ["shop.test"], days: 1, acmeDigest: digest }),
};
/** RFC 8737 §3: the extension that holds the digest, and is critical. */
const extension = Buffer.concat([Buffer.from("06082b0601050507011f0101ff04220420", "hex"), digest]);

const quiet =
  '[server]\n[upstream.app]\nurl = "http://127.0.0.1:1"\n[[route]]\npath = "/{*rest}"\nupstream = "app"\n';

/** What a client that offers these protocols is shown, and agrees on. */
function shown(
  port: number,
  servername: string,
  protocols: readonly string[],
): Promise<{ readonly certificate: X509Certificate; readonly protocol: string | false | null } | string> {
  return new Promise((resolve) => {
    const socket = connect(
      { host: "127.0.0.1", port, servername, ALPNProtocols: [...protocols], rejectUnauthorized: false },
      () => {
        resolve({
          certificate: new X509Certificate(socket.getPeerCertificate().raw),
          protocol: socket.alpnProtocol,
        });
        socket.destroy();
      },
    );
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test("a CA that asks for a challenge by TLS is shown it, and nobody else is", async (t) => {
  const edge = await startEdge(quiet, { tlsNames: ["shop.test"] });
  t.after(() => edge.stop());
  const port = edge.tlsPort;
  assert.equal(typeof (await shown(port, "shop.test", ["acme-tls/1"])), "string", "no challenge is open");
  edge.setChallenges([], [tlsChallenge]);
  const forCa = await shown(port, "SHOP.test", ["acme-tls/1"]);
  assert.ok(typeof forCa === "object");
  assert.equal(forCa.protocol, "acme-tls/1");
  assert.ok(forCa.certificate.raw.includes(extension));
  for (const [name, protocols, agreed] of [
    ["shop.test", ["h2", "http/1.1"], "h2"],
    ["shop.test", ["acme-tls/1", "http/1.1"], "http/1.1"],
    ["shop.test", [], false],
  ] as const) {
    const other = await shown(port, name, protocols);
    assert.ok(typeof other === "object", String(other));
    assert.equal(other.protocol, agreed);
    assert.ok(!other.certificate.raw.includes(extension), `${protocols}`);
  }
  // Another name has no challenge: its client offers nothing that is served.
  assert.equal(typeof (await shown(port, "other.test", ["acme-tls/1"])), "string");
  edge.setChallenges([], []);
  assert.equal(typeof (await shown(port, "shop.test", ["acme-tls/1"])), "string");
});

test("a connection for a challenge ends after its handshake, and carries nothing", async (t) => {
  const edge = await startEdge(quiet, { tlsNames: ["shop.test"] });
  t.after(() => edge.stop());
  edge.setChallenges([], [tlsChallenge]);
  const child = promisify(execFile)("sh", [
    "-c",
    `printf 'GET / HTTP/1.1\\r\\nHost: shop.test\\r\\n\\r\\n' | timeout 20 openssl s_client -connect 127.0.0.1:${edge.tlsPort} -servername shop.test -alpn acme-tls/1 -ign_eof 2>/dev/null || true`,
  ]);
  const { stdout } = await child;
  assert.match(stdout, /ALPN protocol: acme-tls\/1/);
  assert.doesNotMatch(stdout, /HTTP\/1\.1/);
  assert.equal(edge.metric("zion_http_requests_total"), 0);
});

test("clients that break off or go on with garbage end nothing but their connections", async (t) => {
  const edge = await startEdge(quiet, { tlsNames: ["shop.test"] });
  t.after(() => edge.stop());
  edge.setChallenges([], [tlsChallenge]);
  const serverNames = [Buffer.from("shop.test")];
  const hellos = [
    clientHello({ alpn: ["acme-tls/1"], serverNames }),
    clientHello({ alpn: ["acme-tls/1"], serverNames, supported: [] }),
    clientHello({ alpn: ["acme-tls/1"], serverNames, groups: [0x9999] }),
    clientHello({ alpn: ["acme-tls/1"], serverNames, ciphers: [0x0001] }),
  ];
  const ends: ((socket: net.Socket) => void)[] = [
    (socket) => void socket.end(),
    (socket) => void socket.resetAndDestroy(),
    (socket) => void socket.write(Buffer.alloc(2000, 0x16)),
    (socket) => void socket.write(Buffer.from([21, 3, 3, 0, 2, 2, 40])),
  ];
  for (let i = 0; i < 320; i++) {
    const socket = net.connect(edge.tlsPort, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(hellos[i % hellos.length]!);
    const end = ends[Math.floor(i / hellos.length) % ends.length]!;
    if (i % 2 === 0) end(socket);
    else socket.once("data", () => end(socket));
    await new Promise((closed) => socket.once("close", closed));
  }
  const after = await shown(edge.tlsPort, "shop.test", ["acme-tls/1"]);
  assert.ok(typeof after === "object" && after.certificate.raw.includes(extension));
});

test("while hellos are read first, one that comes in pieces is served, and garbage and silence are not", async (t) => {
  const edge = await startEdge(quiet.replace("[server]", "[server]\nheader_timeout_ms = 300"), {
    tlsNames: ["shop.test"],
  });
  t.after(() => edge.stop());
  edge.setChallenges([], [tlsChallenge]);
  // Node's hello with its post-quantum key share is larger than a segment; a relay cuts it to pieces.
  const relay = net.createServer((socket) => {
    const out = net.connect(edge.tlsPort, "127.0.0.1");
    out.setNoDelay(true);
    socket.on("data", (bytes) => {
      for (let at = 0; at < bytes.length; at += 100) out.write(bytes.subarray(at, at + 100));
    });
    out.pipe(socket);
    for (const end of [socket, out]) end.on("error", () => {});
    socket.on("close", () => out.destroy());
    out.on("close", () => socket.destroy());
  });
  await new Promise<void>((listening) => relay.listen(0, "127.0.0.1", listening));
  t.after(() => relay.close());
  const served = await shown((relay.address() as AddressInfo).port, "shop.test", ["h2"]);
  assert.ok(typeof served === "object", String(served));
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", ""]) {
    const socket = net.connect(edge.tlsPort, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(bytes, "latin1");
    socket.resume();
    await new Promise((closed) => socket.on("close", closed));
  }
});
