import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { hasOpenssl, sClientSays } from "../listener/tls-openssl.ts";
import { type ClientPair, type IssueOptions, openClientAuthority } from "../support/client-ca.ts";
import { get as getFields, openFrames, request } from "../support/h2-frames.ts";
import { ask, connect, field } from "../support/raw-client.ts";
import { startBench } from "./bench.ts";
import { bare, get } from "./case.ts";

// Who must show a certificate, which ones are good, and what upstreams learn of them.

const root = openClientAuthority("Root");
const stranger = openClientAuthority("Stranger");
const good = root.issue("good", {
  extensions: ["subjectAltName=DNS:web.clients.test,URI:spiffe://clients.test/web,email:web@clients.test"],
});

function as(
  { certPem, keyPem }: ClientPair,
  options: ConnectionOptions = {},
): { readonly tls: ConnectionOptions } {
  return { tls: { servername: "localhost", cert: certPem, key: keyPem, ...options } };
}

const nobody = { tls: { servername: "localhost" } };

function asks(mode: string, more = ""): { readonly tlsNames: readonly string[]; readonly tls: string } {
  return {
    tlsNames: [],
    tls: `client_auth = "${mode}"\nclient_ca_path = ${JSON.stringify(root.certPath)}\n${more}`,
  };
}

test("a host that requires a certificate serves whoever has one, tells the upstream whose, and nobody else", async (t) => {
  const { edge, origin } = await startBench(t, asks("required"));
  const served = await ask(edge.tlsPort, get("/x"), as(good));
  assert.equal(served.status, 200);
  const fields = new Map(origin.requests[0]!.fields);
  const fingerprint = execFileSync("openssl", [
    "x509",
    "-in",
    good.certPath,
    "-noout",
    "-fingerprint",
    "-sha256",
  ])
    .toString()
    .replace(/^.*=|[:\s]/g, "")
    .toLowerCase();
  assert.equal(fields.get("x-client-cert-fingerprint"), `sha256:${fingerprint}`);
  assert.equal(fields.get("x-client-cert-subject"), "CN=good,O=Zion Test");
  assert.equal(
    fields.get("x-client-cert-san"),
    "dns:web.clients.test,uri:spiffe://clients.test/web,email:web@clients.test",
  );
  const line = await edge.logLine(field(served, "x-request-id")!);
  assert.equal(line["tls.client.hash.sha256"], fingerprint);

  origin.forget();
  const refused = await ask(edge.tlsPort, get("/x"), nobody);
  assert.equal(refused.status, 403);
  assert.equal(field(refused, "connection"), "close");
  const reason = (await edge.logLine(field(refused, "x-request-id")!))["zion.reason"];
  assert.equal(reason, "client_cert_missing");
  assert.equal(edge.metric("zion_reject_total", "client_cert_missing"), 1);
  // The plain listener serves here: nobody has a certificate there.
  assert.equal((await ask(edge.port, get("/x"))).status, 403);
  assert.equal(origin.requests.length, 0);
});

test("an optional certificate may be left out, and must be good where it is shown", async (t) => {
  const { edge, origin } = await startBench(t, asks("optional"));
  assert.equal((await ask(edge.tlsPort, get("/x"), nobody)).status, 200);
  assert.ok(!origin.requests[0]!.fields.some(([name]) => /client-cert/i.test(name)));
  assert.equal((await ask(edge.tlsPort, get("/x"), as(good))).status, 200);
  assert.equal((await ask(edge.tlsPort, get("/x"), as(stranger.issue("foreign")))).status, 403);
});

test("HTTP/2 streams are judged as requests are, and carry the same fields", async (t) => {
  const { tlsNames, tls } = asks("required");
  const { edge, origin } = await startBench(t, { tlsNames, tls: `${tls}\nalpn = ["h2"]` });
  for (const [pair, status] of [
    [good, "200"],
    [undefined, "403"],
  ] as const) {
    const client = await openFrames(edge.tlsPort, {
      serverName: "localhost",
      ...(pair === undefined ? {} : { tls: { cert: pair.certPem, key: pair.keyPem } }),
    });
    t.after(() => client.end());
    client.send(request(1, getFields("/x", ["x-client-cert-fingerprint", "sha256:forged"])));
    assert.equal(await client.outcome(1), status);
  }
  const sent = origin.requests[0]!.fields.filter(
    ([name]) => name.toLowerCase() === "x-client-cert-fingerprint",
  );
  assert.equal(sent.length, 1);
  assert.match(sent[0]![1], /^sha256:[0-9a-f]{64}$/);
});

const below = root.authority("Below");
const notAuthority = root.issue("leaf-that-signs", { extensions: ["subjectAltName=DNS:x.clients.test"] });

function selfSigned(): ClientPair {
  const key = path.join(root.directory, "self.key");
  const cert = path.join(root.directory, "self.crt");
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key],
      ...["-out", cert, "-subj", "/CN=self", "-days", "5", "-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=clientAuth"],
    ],
    { stdio: "pipe" },
  );
  return pairOf(cert, key);
}

/** Signed by a certificate that is none of an authority. */
function signedByLeaf(): ClientPair {
  const key = path.join(root.directory, "by-leaf.key");
  const request = path.join(root.directory, "by-leaf.csr");
  const cert = path.join(root.directory, "by-leaf.crt");
  const extensions = path.join(root.directory, "by-leaf.ext");
  writeFileSync(extensions, "extendedKeyUsage=clientAuth\n");
  const run = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key);
  run("req", "-new", "-key", key, "-subj", "/CN=by-leaf", "-out", request);
  run(
    ...["x509", "-req", "-in", request, "-CA", notAuthority.certPath, "-CAkey", notAuthority.keyPath],
    ...["-CAcreateserial", "-extfile", extensions, "-days", "5", "-out", cert],
  );
  return pairOf(cert, key);
}

function pairOf(certPath: string, keyPath: string): ClientPair {
  const text = (file: string): string => readFileSync(file, "latin1");
  return { certPath, keyPath, certPem: text(certPath), keyPem: text(keyPath) };
}

/** With further certificates behind its own, as a client sends them. */
function with_(pair: ClientPair, ...more: readonly ClientPair[]): ClientPair {
  return { ...pair, certPem: [pair, ...more].map(({ certPem }) => certPem).join("") };
}

const chain = ((): ClientPair => {
  const links = [root.authority("Deep1")];
  for (let depth = 2; depth <= 11; depth++) links.unshift(links[0]!.authority(`Deep${depth}`));
  return with_(links[0]!.issue("deep"), ...links);
})();

const bad = (name: string, options: IssueOptions): ClientPair => root.issue(name, options);

/** TL13: what is wrong, and why it is refused. */
const badClients: readonly (readonly [string, ClientPair, string])[] = [
  ["signed by an authority that is not in the bundle", stranger.issue("other"), "client_cert_untrusted"],
  ["self-signed", selfSigned(), "client_cert_untrusted"],
  ["its intermediate is missing", below.issue("no-intermediate"), "client_cert_untrusted"],
  ["below a certificate that is no authority", with_(signedByLeaf(), notAuthority), "client_cert_untrusted"],
  [
    "for servers only",
    bad("server", { bare: true, extensions: ["extendedKeyUsage=serverAuth"] }),
    "client_cert_purpose",
  ],
  [
    "its key may not sign",
    bad("no-sign", { bare: true, extensions: ["keyUsage=critical,keyEncipherment"] }),
    "client_cert_purpose",
  ],
  ["expired", bad("expired", { fromDays: -9, untilDays: -2 }), "client_cert_expired"],
  ["not valid yet", bad("future", { fromDays: 2, untilDays: 9 }), "client_cert_not_yet_valid"],
  [
    "RSA of 1024 bits",
    bad("weak", { key: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"] }),
    "client_cert_untrusted",
  ],
  // DNS:"a.test\0evil."
  [
    "a NUL in a name",
    bad("nul", { extensions: ["subjectAltName=DER:300e820c612e74657374006576696c2e"] }),
    "client_cert_malformed",
  ],
  // URI with a line feed and a field of its own
  [
    "a line feed in a name",
    bad("lf", { extensions: ["subjectAltName=DER:300a8608783a610a623a2063"] }),
    "client_cert_malformed",
  ],
];

for (const [index, [what, pair, reason]] of badClients.entries()) {
  test(`a certificate is refused by its reason: ${what}`, async (t) => {
    const { edge, origin } = await startBench(t, asks(index % 2 === 0 ? "required" : "optional"));
    // The client's own OpenSSL would not show a weak one.
    const answer = await ask(edge.tlsPort, get("/x"), as(pair, { ciphers: "DEFAULT:@SECLEVEL=0" }));
    assert.equal(answer.status, 403);
    assert.equal(answer.body.toString(), "forbidden\n");
    const line = await edge.logLine(field(answer, "x-request-id")!);
    assert.equal(line["zion.reason"], reason);
    assert.match(String(line["tls.client.hash.sha256"]), /^[0-9a-f]{64}$/);
    assert.equal(edge.metric("zion_reject_total", reason), 1);
    assert.equal(origin.requests.length, 0);
  });
}

test("a client may send its intermediate, and a chain of 11 of them costs a bounded handshake", async (t) => {
  const { edge } = await startBench(t, asks("required"));
  assert.equal((await ask(edge.tlsPort, get("/x"), as(with_(below.issue("viaBelow"), below)))).status, 200);
  assert.equal((await ask(edge.tlsPort, get("/x"), as(chain))).status, 200);
});

test("a certificate of 100 kB ends its handshake, and nothing else", async (t) => {
  const { edge } = await startBench(t, asks("required"));
  const names = Array.from({ length: 4000 }, (_, i) => `DNS:a${i}.some-long-name-for-a-client.test`).join(
    ",",
  );
  const huge = root.issue("huge", { extensions: [`subjectAltName=${names}`] });
  const client = await connect(edge.tlsPort, as(huge)).catch(() => undefined);
  if (client !== undefined) {
    client.send(get("/x"));
    await client.untilOver();
    assert.ok(!client.received.includes("HTTP/1.1 200"));
  }
  assert.equal((await ask(edge.tlsPort, get("/x"), as(good))).status, 200);
});

test("what clients send under the names of these fields goes nowhere, with a certificate and without, TLS or plain", async (t) => {
  const forged = [
    "X-Client-Cert-Fingerprint: sha256:forged",
    "x-client-cert-fingerprint: sha256:again",
    "X-Client-Cert-Subject: CN=admin",
    "X-Client-Cert-San: dns:admin",
    "Client-Cert: :Zm9yZ2Vk:",
    "Client-Cert-Chain: :Zm9yZ2Vk:",
    "X-Forwarded-Client-Cert: By=forged",
  ];
  for (const mode of ["none", "optional"]) {
    const { edge, origin } = await startBench(t, mode === "none" ? { tlsNames: [] } : asks(mode));
    for (const [port, client] of [
      [edge.tlsPort, nobody],
      [edge.tlsPort, as(good)],
      [edge.port, {}],
    ] as const) {
      origin.forget();
      assert.equal((await ask(port, get("/x", ...forged), client)).status, 200);
      const values = origin.requests[0]!.fields.filter(([name]) => /cert/i.test(name)).map(
        ([, value]) => value,
      );
      assert.ok(!values.some((value) => /forged|again|admin|Zm9y/.test(value)), values.join());
      assert.equal(values.length, mode === "optional" && client !== nobody && port === edge.tlsPort ? 3 : 0);
    }
    // Variants are refused: some servers would read them as the field.
    for (const name of [
      "X_Client_Cert_Fingerprint",
      "X-Client_Cert-San",
      "X.Client.Cert.Subject",
      "Client_Cert",
    ])
      assert.equal((await ask(edge.tlsPort, get("/x", `${name}: forged`), nobody)).status, 400);
  }
});

for (const [pin, fits] of [
  ["dns:web.clients.test", true],
  ["dns:*.clients.test", true],
  ["dns:*.web.clients.test", false],
  ["dns:*.lients.test", false],
  ["uri:spiffe://clients.test/web", true],
  ["uri:spiffe://clients.test/*", true],
  ["uri:spiffe://clients.test/we", false],
  ["email:web@clients.test", true],
  ["email:*@clients.test", true],
  ["email:*@lients.test", false],
] as const) {
  test(`a certificate ${fits ? "has" : "has not"} the name ${pin}`, async (t) => {
    const { edge } = await startBench(t, asks("required", `client_names = ["dns:other.test", "${pin}"]`));
    const answer = await ask(edge.tlsPort, get("/x"), as(good));
    assert.equal(answer.status, fits ? 200 : 403);
    if (!fits) {
      const line = await edge.logLine(field(answer, "x-request-id")!);
      assert.equal(line["zion.reason"], "client_cert_name");
    }
  });
}

test("a wildcard in a certificate is no name, also where a pin's text would fit", async (t) => {
  const wild = root.issue("wild", { extensions: ["subjectAltName=DNS:*.clients.test,DNS:evilclients.test"] });
  const { edge } = await startBench(t, asks("required", 'client_names = ["dns:*.clients.test"]'));
  assert.equal((await ask(edge.tlsPort, get("/x"), as(wild))).status, 403);
});

test("TLS 1.2 clients are asked and judged like those of TLS 1.3, and openssl's client is one of them", async (t) => {
  if (!hasOpenssl(t)) return;
  const { edge } = await startBench(t, asks("required", 'min_version = "1.2"'));
  const old = { maxVersion: "TLSv1.2" } as const;
  assert.equal((await ask(edge.tlsPort, get("/x"), as(good, old))).status, 200);
  assert.equal(
    (await ask(edge.tlsPort, get("/x"), { tls: { servername: "localhost", ...old } })).status,
    403,
  );
  assert.equal((await ask(edge.tlsPort, get("/x"), as(stranger.issue("old"), old))).status, 403);
  const said = await sClientSays(edge.tlsPort, "GET / HTTP/1.0\r\n\r\n", "-servername", "localhost");
  assert.match(said, /Acceptable client certificate CA names\nO = Zion Test, CN = Root\n/);
});

test("HTTP/1.0 without Host is judged by the rules of the default name", async (t) => {
  const { edge } = await startBench(t, asks("required"));
  assert.equal((await ask(edge.tlsPort, "GET /x HTTP/1.0\r\n\r\n", nobody)).status, 403);
  assert.equal((await ask(edge.tlsPort, bare("Host: localhost"), as(good))).status, 200);
});
