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
      for (const [name, endMs] of revocationEnds(tls))
        exposition.set("clientCrlNextUpdate", endMs / 1000, [name]);
      const next = JSON.stringify(
        rulesOf(tls).filter(([, one]) => one !== undefined),
        (_key, value: unknown) => (value instanceof Uint8Array ? hash("sha256", value) : value),
      );
      if (inForce !== undefined && next !== inForce) onChange();
      inForce = next;
    },
  };
}

/** When the first of the revocation lists ends, ms since the epoch, by server name; names without such a list are not in it. */
export function revocationEnds(tls: TlsConfig | undefined): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const [name, rules] of rulesOf(tls)) {
    const all = (rules?.revocation?.lists ?? []).flatMap(({ nextUpdateMs }) => nextUpdateMs ?? []);
    if (all.length > 0) ends.set(name, Math.min(...all));
  }
  return ends;
}

function rulesOf(
  tls: TlsConfig | undefined,
): readonly (readonly [name: string, rules: ClientAuthConfig | undefined])[] {
  return [
    ["default", tls?.clientAuth],
    ...(tls?.sni ?? []).map(({ serverName, clientAuth }) => [serverName, clientAuth] as const),
  ];
}
