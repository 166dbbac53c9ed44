import { hash } from "node:crypto";
import type { ClientAuthConfig, TlsConfig } from "../config/config.ts";
import type { Exposition } from "./exposition.ts";

export interface ClientAuthWatch {
  /** A configuration came into force. */
  adopt(tls: TlsConfig | undefined): void;
}

/**
 * Tells until when revocation lists are good, and `onChange` when a reload brought other rules about certificates of
 * clients: authorities, lists, names, who must show one.
 */
export function watchClientAuth(exposition: Pick<Exposition, "set">, onChange: () => void): ClientAuthWatch {
  /** Undefined before the first configuration. */
  let inForce: string | undefined;
  return {
    adopt(tls) {
      const rules: (readonly [name: string, rules: ClientAuthConfig | undefined])[] = [
        ["default", tls?.clientAuth],
        ...(tls?.sni ?? []).map(({ serverName, clientAuth }) => [serverName, clientAuth] as const),
      ];
      for (const [name, one] of rules) {
        const ends = (one?.revocation?.lists ?? []).flatMap(({ nextUpdateMs }) => nextUpdateMs ?? []);
        if (ends.length > 0) exposition.set("clientCrlNextUpdate", Math.min(...ends) / 1000, [name]);
      }
      const next = JSON.stringify(
        rules.filter(([, one]) => one !== undefined),
        (_key, value: unknown) => (value instanceof Uint8Array ? hash("sha256", value) : value),
      );
      if (inForce !== undefined && next !== inForce) onChange();
      inForce = next;
    },
  };
}
