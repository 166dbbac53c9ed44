import type { StoreRule } from "./judgement.ts";

/** What a profile says, made ready. */
export interface CacheRule extends StoreRule {
  /** The profile's: what it stored is found by it. */
  readonly name: string;
  /** Per worker. */
  readonly entriesMax: number;
  /** Parameters are one query in whatever order they come. */
  readonly sortQuery: boolean;
  /** Requests with cookies are not told apart from others. */
  readonly ignoresCookies: boolean;
  /** `X-Zion-Cache` and `Cache-Status` tell clients what was done. */
  readonly tells: boolean;
  /** For answers that do not say. */
  readonly staleIfErrorSecs: number;
  /** Who waits for another's fetch asks itself after this long. */
  readonly lockMs: number;
}
