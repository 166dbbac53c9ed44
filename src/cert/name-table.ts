import { foldServerName } from "./server-name.ts";

/** What is kept by server name: exact names, then one-label wildcards. */
export interface NameTable<T> {
  /** Throws when `serverName` (`*.example.org` covers one label) is no host name or was added before. */
  add(serverName: string, value: T): void;
  /** Total: any string may be asked for (reliability.md N3, N23, TL5). */
  match(name: string): T | undefined;
}

export function createNameTable<T>(): NameTable<T> {
  const exact = new Map<string, T>();
  /** `example.org` for `*.example.org`. */
  const wildcard = new Map<string, T>();
  return {
    add(serverName, value) {
      const isWildcard = serverName.startsWith("*.");
      const name = foldServerName(isWildcard ? serverName.slice(2) : serverName);
      if (name === undefined) throw new Error(`server_name ${JSON.stringify(serverName)} is not a host name`);
      const table = isWildcard ? wildcard : exact;
      if (table.has(name)) throw new Error(`server_name ${JSON.stringify(serverName)} is configured twice`);
      table.set(name, value);
    },
    match(name) {
      const folded = foldServerName(name);
      if (folded === undefined) return undefined;
      const value = exact.get(folded);
      if (value !== undefined || wildcard.size === 0) return value;
      const dot = folded.indexOf(".");
      return dot === -1 ? undefined : wildcard.get(folded.slice(dot + 1));
    },
  };
}
