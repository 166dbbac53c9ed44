import type { Socket } from "node:net";
import { createSecureContext, createServer, type SecureContext } from "node:tls";
import { foldServerName } from "../cert/server-name.ts";
import type { TlsChallenge } from "../respond/acme-challenges.ts";
import type { ClientHello } from "./client-hello.ts";
import { destroySafely } from "./tls.ts";

/** The only protocol that a CA offers when it validates (RFC 8737 §3). */
export const acmeProtocol = "acme-tls/1";

/** Answers tls-alpn-01 challenges; it speaks to nobody else, and carries no traffic. */
export interface AcmeHandshakes {
  /** Whether this client is a CA that validates one of the names. */
  isFor(hello: ClientHello): boolean;
  /** Takes over `raw` with all bytes of its hello unshifted: handshakes, then ends the connection. */
  answer(raw: Socket): void;
}

const handshakeTimeoutMs = 10_000;
/** A CA validates from a handful of places at once. */
const handshakesMax = 64;

/** Throws when a certificate cannot be used. */
export function createAcmeHandshakes(challenges: readonly TlsChallenge[]): AcmeHandshakes {
  const contexts = new Map<string, SecureContext>(
    challenges.map(({ host, certPem, keyPem }) => [
      host,
      createSecureContext({ cert: certPem, key: keyPem }),
    ]),
  );
  let underWay = 0;
  const server = createServer({
    ALPNProtocols: [acmeProtocol],
    SNICallback: (name, done) => {
      const context = contexts.get(foldServerName(name) ?? "");
      if (context === undefined) done(new Error("no challenge"));
      else done(null, context);
    },
    // Validation looks at the certificate only. RFC 8737 §4 asks for TLS 1.2 or later.
    minVersion: "TLSv1.2",
    handshakeTimeout: handshakeTimeoutMs,
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", ignoreError);
    // "must close the connection" without exchanging data (RFC 8737 §3); what comes is not read.
    socket.end();
    socket.setTimeout(handshakeTimeoutMs, () => destroySafely(socket));
  });
  server.on("tlsClientError", (_error, socket) => destroySafely(socket));

  return {
    isFor: ({ serverName, protocols }) =>
      protocols.length === 1 &&
      protocols[0] === acmeProtocol &&
      contexts.has(foldServerName(serverName) ?? ""),
    answer(raw) {
      raw.on("error", ignoreError);
      if (underWay >= handshakesMax) {
        raw.destroy();
        return;
      }
      underWay++;
      raw.on("close", () => underWay--);
      raw.allowHalfOpen = false;
      server.emit("connection", raw);
    },
  };
}

function ignoreError(): void {
  // 'close' follows.
}
