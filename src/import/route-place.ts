import type { Draft, Keys } from "./draft.ts";

/** A route while it is put together from the settings of another program. */
export interface RoutePlace {
  readonly draft: Draft;
  readonly route: Keys;
  /** Keys of its upstream. */
  readonly upstream: Keys;
  readonly lists: string[];
  readonly limits: string[];
  readonly excludes: Keys[];
  /** Why nobody may come in. */
  readonly closed: string[];
  methods: readonly string[] | undefined;
}

/** `upstream` is what the other program does where nothing is said. */
export function openRoutePlace(draft: Draft, upstream: Readonly<Keys>): RoutePlace {
  return {
    draft,
    // Whoever had no WAF sees first what one would refuse.
    route: { waf_shadow: true },
    upstream: { ...upstream },
    lists: [],
    limits: [],
    excludes: [],
    closed: [],
    methods: undefined,
  };
}
