import type { Socket } from "node:net";
import type { ClientAuthTable } from "../cert/client-auth.ts";
import type { CertificateStore } from "../cert/store.ts";
import { buildTlsServer, type TlsEvents, type TlsServer, type TlsServerOptions } from "./tls.ts";

/** The TLS servers of one generation: one for each policy about client certificates. */
export interface TlsFront<T> extends Omit<TlsServer<T>, "accept"> {
  /** The name in the hello decides which of them answers. */
  readonly needsName: boolean;
  /** As of `TlsServer`. `serverName`: of the hello; "" when it was not read, or has none. */
  accept(raw: Socket, context: T, serverName: string): void;
}

/**
 * Whether a client is asked for a certificate is a property of a whole server in Node, and so are the session tickets
 * that it takes: each policy has a server of its own (docs/decisions/0023). OpenSSL may read another name than
 * `serverName`; what was asked of the client is known by the policy in its facts, never by a name.
 */
export function buildTlsFront<T>(
  store: CertificateStore,
  clientAuth: ClientAuthTable | undefined,
  options: TlsServerOptions,
  events: TlsEvents<T>,
): TlsFront<T> {
  const servers = new Map<string, TlsServer<T>>();
  const all: TlsServer<T>[] = [];
  const countHandshakes = (): number => all.reduce((sum, server) => sum + server.countHandshakes(), 0);
  for (const policy of clientAuth?.policies ?? [undefined]) {
    const clients = policy === undefined || policy.id === "" ? {} : { clientAuth: policy };
    const server = buildTlsServer(store, { ...options, ...clients, countHandshakes }, events);
    servers.set(policy?.id ?? "", server);
    all.push(server);
  }
  const only = all.length === 1 ? all[0] : undefined;
  return {
    needsName: only === undefined,
    accept(raw, context, serverName) {
      const server = only ?? servers.get(clientAuth!.find(serverName).id)!;
      server.accept(raw, context);
    },
    setTicketKeys: (keys) => all.forEach((server) => void server.setTicketKeys(keys)),
    countHandshakes,
    close: () => all.forEach((server) => void server.close()),
    destroyHandshakes: () => all.forEach((server) => void server.destroyHandshakes()),
  };
}
