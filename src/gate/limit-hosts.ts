import type { CanonicalRequest } from "../http/request.ts";

/** The hosts that a limit is for. */
export interface LimitHosts {
  has(request: CanonicalRequest): boolean;
}

/** `names` are as in routes: lower case, exact or `*.suffix` for any depth below it. */
export function buildLimitHosts(names: readonly string[]): LimitHosts {
  const exact = names.filter((name) => !name.startsWith("*.")).map(bytesOf);
  const suffixes = names.filter((name) => name.startsWith("*.")).map((name) => bytesOf(name.slice(1)));
  return {
    has({ arena, hostStart, hostEnd }) {
      const length = hostEnd - hostStart;
      for (const name of exact) if (name.length === length && endsWith(arena, hostEnd, name)) return true;
      for (const suffix of suffixes)
        if (suffix.length < length && endsWith(arena, hostEnd, suffix)) return true;
      return false;
    },
  };
}

function bytesOf(name: string): Uint8Array {
  return Buffer.from(name, "latin1");
}

/** From the left: the labels in which names differ stand there. */
function endsWith(arena: Buffer, end: number, wanted: Uint8Array): boolean {
  const start = end - wanted.length;
  for (let at = 0; at < wanted.length; at++) if (arena[start + at] !== wanted[at]) return false;
  return true;
}
