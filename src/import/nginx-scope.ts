import type { Draft, Keys } from "./draft.ts";
import type { Ledger } from "./ledger.ts";
import type { SecDirective } from "./modsecurity.ts";
import { type Directive, dataBlocks } from "./nginx-syntax.ts";
import type { IncludeFiles } from "./source-file.ts";
import type { Outcome } from "./verdict.ts";

/** A block and those around it, from which it inherits. */
export interface Scope {
  readonly directives: readonly Directive[];
  readonly parent: Scope | undefined;
}

/** nginx's rule for nearly all directives: the nearest block that has any of them, alone. */
export function effective(scope: Scope | undefined, name: string): readonly Directive[] {
  for (let at = scope; at !== undefined; at = at.parent) {
    const found = at.directives.filter((directive) => directive.name === name);
    if (found.length > 0) return found;
  }
  return [];
}

/** What all of one import share. */
export interface NginxImport {
  readonly draft: Draft;
  readonly ledger: Ledger;
  /** `upstream` blocks by name. */
  readonly upstreams: ReadonlyMap<string, Directive>;
  /** `limit_req_zone` and `limit_conn_zone` by the name of their zone. */
  readonly zones: ReadonlyMap<string, Directive>;
  /** Rules of ModSecurity by the directive that names them. */
  readonly secRules: Map<Directive, readonly SecDirective[]>;
  readonly include: IncludeFiles;
}

/** A location while its route is made. */
export interface Place {
  readonly nginx: NginxImport;
  readonly scope: Scope;
  /** Keys of the route, and of the upstream that it alone or others with the same ones use. */
  readonly route: Keys;
  readonly upstream: Keys;
  readonly lists: string[];
  readonly limits: string[];
  /** `[[exclude]]` for the route. */
  readonly excludes: Keys[];
  /** Why nobody may come in. */
  readonly closed: string[];
  /** Only `auth_request` asks here: no client does. */
  readonly isService: boolean;
  /** Undefined: all. */
  methods: readonly string[] | undefined;
}

export function openPlace(nginx: NginxImport, scope: Scope, isService = false): Place {
  return {
    nginx,
    scope,
    // Whoever had no WAF sees first what one would refuse.
    route: { waf_shadow: true },
    // What nginx does where the configuration says nothing.
    upstream: { connect_timeout_ms: 60_000, request_timeout_ms: 60_000, idle_timeout_ms: 60_000 },
    lists: [],
    limits: [],
    excludes: [],
    closed: [],
    isService,
    methods: undefined,
  };
}

export function decide(
  { ledger }: Pick<NginxImport, "ledger">,
  directive: Directive,
  outcome: Outcome,
): void {
  ledger.decide(directive.item, outcome);
}

/** Decides about a directive and everything in its block. */
export function decideAll(nginx: Pick<NginxImport, "ledger">, directive: Directive, outcome: Outcome): void {
  decide(nginx, directive, outcome);
  if (dataBlocks.has(directive.name)) return;
  for (const inner of directive.block ?? []) decideAll(nginx, inner, outcome);
}

/** The value with variables that `set` gave a fixed text put in; undefined when others are left. */
export function resolveText(text: string, scope: Scope): string | undefined {
  let resolved = text;
  for (let round = 0; round < 4 && resolved.includes("$"); round++)
    resolved = resolved.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      const name = braced ?? bare;
      const found = allSets(scope).filter(({ args }) => args[0] === `$${name}`);
      // Two values are a choice that only a request makes.
      return found.length === 1 ? found[0]!.args[1]! : whole;
    });
  return resolved.includes("$") ? undefined : resolved;
}

function allSets(scope: Scope): readonly Directive[] {
  const found: Directive[] = [];
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent)
    found.push(...at.directives.filter(({ name, args }) => name === "set" && args.length === 2));
  return found;
}
