import assert from "node:assert/strict";
import https from "node:https";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import type { AdminTlsConfig, CertificateConfig } from "../../src/config/config.ts";
import { json, openControlListener } from "../../src/control/control-listener.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { hasOpenssl } from "../listener/tls-openssl.ts";

const authority = (name: string) =>
  makeCertificate({ name, extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"] });

function peers() {
  const issuer = authority("operators");
  const other = authority("others");
  const server = makeCertificate({ name: "localhost", issuer });
  const operator = makeCertificate({ name: "ann", issuer, extensions: ["extendedKeyUsage=clientAuth"] });
  const stranger = makeCertificate({
    name: "ann",
    issuer: other,
    extensions: ["extendedKeyUsage=clientAuth"],
  });
  const settings: AdminTlsConfig = { ...server, clientCaPem: issuer.certPem };
  return { issuer, other, operator, stranger, settings };
}

async function open(t: TestContext, settings: AdminTlsConfig) {
  const listener = await openControlListener({
    name: "admin",
    address: { host: "127.0.0.1", port: 0 },
    tls: settings,
    takesBodies: true,
    handle: ({ peer }) => json(200, { certificate: peer.certificate }),
    onAnswer: () => {},
  });
  t.after(() => listener.close());
  assert.ok("port" in listener.address);
  return { listener, port: listener.address.port };
}

/** The fingerprint that the listener saw, or why there was no answer. */
function ask(
  port: number,
  ca: CertificateConfig,
  own?: CertificateConfig,
  options: tls.ConnectionOptions = {},
) {
  return new Promise<string>((resolve) => {
    const request = https.get(
      {
        ...{ host: "127.0.0.1", servername: "localhost", port, path: "/", agent: false, ca: ca.certPem },
        ...(own === undefined ? {} : { cert: own.certPem, key: own.keyPem }),
        ...options,
      },
      (response) => {
        let body = "";
        response.on("data", (part) => {
          body += part;
        });
        response.on("end", () => resolve((JSON.parse(body) as { certificate: string }).certificate));
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) => resolve(`refused ${error.code ?? error.message}`));
  });
}

test("a certificate of the operators' authority opens the listener, nothing else does", async (t) => {
  if (!hasOpenssl(t)) return;
  const { issuer, operator, stranger, settings } = peers();
  const { port } = await open(t, settings);
  assert.match(await ask(port, issuer, operator), /^[0-9a-f]{64}$/);
  assert.match(await ask(port, issuer), /^refused/);
  assert.match(await ask(port, issuer, stranger), /^refused/);
  assert.match(await ask(port, issuer, operator, { maxVersion: "TLSv1.2" }), /^refused/);
  // One whose name is good, and that nobody signed.
  assert.match(await ask(port, issuer, makeCertificate({ name: "ann" })), /^refused/);
});

test("after a reload the authorities of before let nobody in, nor do their sessions", async (t) => {
  if (!hasOpenssl(t)) return;
  const { issuer, other, operator, stranger, settings } = peers();
  const { listener, port } = await open(t, settings);
  const session = await new Promise<Buffer>((resolve, reject) => {
    const socket = tls.connect({
      port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: issuer.certPem,
      cert: operator.certPem,
      key: operator.keyPem,
    });
    socket.on("session", resolve).on("error", reject);
    t.after(() => socket.destroy());
  });
  assert.match(await ask(port, issuer, operator, { session }), /^[0-9a-f]{64}$/);
  listener.setTls({ ...settings, clientCaPem: other.certPem });
  assert.match(await ask(port, issuer, operator), /^refused/);
  assert.match(await ask(port, issuer, operator, { session }), /^refused/);
  assert.match(await ask(port, issuer, stranger), /^[0-9a-f]{64}$/);
});
