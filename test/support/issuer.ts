import { createServer as createPlain, type RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import type { KeySourceConfig } from "../../src/config/config.ts";

/** An issuer that publishes keys over https, on loopback. */
export interface Issuer {
  readonly port: number;
  readonly url: string;
  /** The authority for its certificate. */
  readonly caPem: string;
  /** Requests so far. */
  readonly asked: () => number;
  /** From now on it answers with this. */
  answer(next: RequestListener | string): void;
}

/** `names`: what the certificate is for. */
export async function startIssuer(
  t: Pick<TestContext, "after">,
  first: RequestListener | string,
  names: readonly string[] = ["localhost"],
): Promise<Issuer> {
  const { certPem, keyPem } = makeSelfSigned({ names, days: 2 });
  let answer: RequestListener = listenerOf(first);
  let asked = 0;
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    asked++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://localhost:${port}/keys`,
    caPem: certPem,
    asked: () => asked,
    answer(next) {
      answer = listenerOf(next);
    },
  };
}

/** The same without TLS; returns its port. */
export async function startPlainIssuer(t: Pick<TestContext, "after">, text: string): Promise<number> {
  const server = createPlain(listenerOf(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

export function sourceOf(issuer: Issuer, more: Partial<KeySourceConfig> = {}): KeySourceConfig {
  return {
    id: issuer.url,
    url: issuer.url,
    caPem: issuer.caPem,
    networks: ["127.0.0.0/8", "::1/128"],
    algorithms: ["RS256", "ES256"],
    ...more,
  };
}

function listenerOf(answer: RequestListener | string): RequestListener {
  return typeof answer === "string" ? (_request, response) => response.end(answer) : answer;
}
