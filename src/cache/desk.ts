import { F } from "../http/field.ts";
import { type CanonicalRequest, GET, HEAD } from "../http/request.ts";
import { copyRequest } from "../http/request-copy.ts";
import type { RequestPool } from "../http/request-pool.ts";
import { ResponseHead } from "../http/response-head.ts";
import type { TimerWheel } from "../std/timer-wheel.ts";
import { AnswerTable, isMeant, type Purge } from "./answer-table.ts";
import { CacheCounts } from "./counts.ts";
import { bypassOf, type Demand, isFreshEnough, mayGoOnStale, readDemand } from "./demand.ts";
import type { Fetching, FetchOwner, OpenFetch } from "./fetching.ts";
import { Fill } from "./fill.ts";
import { KeyWriter } from "./key.ts";
import { KeyMemory, REMEMBERED_MS } from "./key-memory.ts";
import type { Arrival } from "./life.ts";
import type { CacheRule } from "./rule.ts";
import { siblingOf } from "./sibling.ts";
import type { StoredAnswer } from "./stored-answer.ts";
import { variantOf } from "./vary.ts";
import type { Visitor } from "./visitor.ts";

/** What a fetch must know of the way to the upstream; the desk only hands it on. */
export interface Ground {
  readonly upstream: { readonly name: string };
  readonly mergeSlashes: boolean;
}

export interface DeskDeps<G> {
  nowMs(): number;
  wallMs(): number;
  /** `Date: …` with CRLF. */
  dateLine(): Uint8Array;
  readonly wheel: TimerWheel;
  readonly requests: RequestPool;
  readonly openFetch: OpenFetch<G>;
}

/** The other workers, each of which owns some of the keys. */
export interface Peers<G> {
  /** Asks the owner of this key. Undefined: it is this worker, or cannot be asked. `wantsFresh`: a stale answer will not do. */
  open(
    hash: number,
    request: CanonicalRequest,
    ground: G,
    wantsFresh: boolean,
    owner: FetchOwner,
  ): Fetching | undefined;
}

/** Fetches under way at once; beyond them requests go past the cache. */
const FILLS_MAX = 4096;
/** Of them, those that no client waits for (zion-reference.md §2.14). */
const REFRESHES_MAX = 64;

/**
 * The cache of one worker: answers what is asked from memory, or has it fetched, once for all who ask for it at the same
 * time. Asked after every gate and the WAF. What it stores is what the upstream sent; what routes change in answers is
 * changed for each client.
 */
export class CacheDesk<G extends Ground> {
  readonly deps: DeskDeps<G>;
  readonly table: AnswerTable;
  readonly counts = new CacheCounts();
  /** Keys whose answers could not be stored: a request for one does not wait for another's, which would be for nothing. */
  readonly memory = new KeyMemory();
  /** For whoever prints a stored head: valid during one call. */
  readonly head = new ResponseHead();
  /** Some route has a cache. */
  isUsed = false;
  /** Tells the other workers which URIs an unsafe request made out of date; undefined = there are none. */
  onForgotten: ((uris: readonly Uint8Array[]) => void) | undefined = undefined;
  /** Undefined = this worker is alone. */
  peers: Peers<G> | undefined = undefined;
  readonly #key = new KeyWriter();
  /**
   * Keys of what this worker was told to forget. Another one may hear of it a moment later: asked meanwhile, it would give the
   * old answer back, and this worker would keep it.
   */
  readonly #forgotten = new KeyMemory();
  /** The same for a purge, which names no keys. */
  #purgedUntilMs = -Infinity;
  readonly #fills = new Map<string, Fill<G>>();
  /** All of them, those that nobody may wait for, too. */
  readonly #under = new Set<Fill<G>>();
  #refreshes = 0;

  constructor(deps: DeskDeps<G>, bytesMax: number) {
    this.deps = deps;
    this.table = new AnswerTable(bytesMax);
  }

  get fillsUnderWay(): number {
    return this.#under.size;
  }

  /**
   * Answers `visitor`, at once or later. Returns what it waits for, to be left when the visitor goes; undefined = it was
   * told already. `isPeer`: another worker asks, and is not sent on. `isAlone`: it has waited before, and does not again.
   */
  ask(
    visitor: Visitor,
    rule: CacheRule,
    ground: G,
    isPeer: boolean,
    wantsFresh = false,
    isAlone = false,
  ): Fill<G> | undefined {
    const { request } = visitor;
    const { table } = this;
    const bypass = bypassOf(request);
    if (bypass !== undefined) return void visitor.onBypassed(bypass);
    const demand = readDemand(request, rule);
    if (demand.directives?.noStore === true) return void visitor.onBypassed("no-store");
    const upstream = ground.upstream.name;
    const key = this.#key;
    key.write(request, ground.mergeSlashes, rule.sortQuery);
    let stored = table.find(key, rule.name, upstream, request);
    if (stored !== undefined && demand.hasCredentials && !stored.life.forCredentials) stored = undefined;
    const nowMs = this.deps.nowMs();
    if (stored !== undefined) {
      if (isFreshEnough(stored.life, demand, nowMs)) {
        stored.visited = true;
        visitor.onStored(stored, HIT);
        return undefined;
      }
      if (!wantsFresh && mayGoOnStale(stored.life, demand, nowMs)) {
        stored.visited = true;
        this.#refresh(stored, rule, ground, request, isPeer);
        visitor.onStored(stored, STALE_MEANWHILE);
        return undefined;
      }
    }
    if (demand.directives?.onlyIfCached === true) return void visitor.onAbsent();
    if (request.method === HEAD) return void visitor.onBypassed("head");
    // A part of something large is not worth fetching the whole.
    if (request.firstField[F.range]! >= 0 && stored === undefined) return void visitor.onBypassed("range");
    if (this.#under.size >= FILLS_MAX) return void visitor.onBypassed("busy");

    const name =
      isAlone || demand.hasCredentials || this.memory.has(key.hash, nowMs)
        ? ""
        : this.#nameOf(rule, upstream, request);
    if (name !== "") {
      const present = this.#fills.get(name);
      if (present?.join(visitor, demand) === true) return present;
    }
    const fill = this.#open(name, rule, ground, demand, stored, visitor);
    fill.start(name !== "" && !isPeer && this.#mayAskPeer(nowMs));
    return fill;
  }

  /** Returns how many answers went. What is on its way goes to those who read it, and is not stored. */
  purge(purge: Purge): number {
    for (const fill of [...this.#under]) {
      const tags = fill.answer?.tags;
      // Nobody knows yet what a head that has not come says of tags.
      if (
        purge.what === "tag"
          ? tags === undefined || tags.includes(purge.tag)
          : isMeant({ key: fill.place.key, tags: [] }, purge)
      )
        this.#taint(fill);
    }
    this.#purgedUntilMs = this.deps.nowMs() + REMEMBERED_MS;
    const purged = this.table.purge(purge);
    this.counts.purged += purged;
    return purged;
  }

  /** After an unsafe request that did something (RFC 9111 §4.4): what is stored of its URI, and of those it names, goes. */
  invalidate(request: CanonicalRequest, mergeSlashes: boolean, named: readonly string[]): void {
    const key = this.#key;
    key.write(request, mergeSlashes, false);
    const keys = [key.take()];
    // As profiles with `normalize_query` have it.
    key.write(request, mergeSlashes, true);
    if (!key.is(keys[0]!)) keys.push(key.take());
    for (const text of named) {
      const sibling = siblingOf(request, text);
      if (sibling === undefined) continue;
      key.writeSibling(request, sibling);
      keys.push(key.take());
    }
    for (const one of keys) this.forgetUri(one);
    this.onForgotten?.(keys);
  }

  /** What is stored of a URI, which is a key's bytes, goes. */
  forgetUri(uri: Uint8Array): void {
    const key = this.#key;
    key.adopt(uri);
    this.#forgotten.mark(key.hash, this.deps.nowMs());
    this.counts.invalidations += this.table.removeUri(key.hash, (stored) => stored.equals(uri));
    for (const fill of [...this.#under]) if (fill.place.key.equals(uri)) this.#taint(fill);
  }

  // --- for fills

  arrival(sentMs: number): Arrival {
    return { sentMs, arrivedMs: this.deps.nowMs(), wallSecs: this.deps.wallMs() / 1000 };
  }

  demandOf(visitor: Visitor, rule: CacheRule): Demand {
    return readDemand(visitor.request, rule);
  }

  /** It is over, or nobody may join it any more. */
  forget(fill: Fill<G>): void {
    if (this.#fills.get(fill.place.name) === fill) this.#fills.delete(fill.place.name);
    if (!fill.isOver || !this.#under.delete(fill)) return;
    if (fill.isRefresh) this.#refreshes--;
    fill.release(this.deps.requests);
  }

  /** Of the key that was just written. */
  #mayAskPeer(nowMs: number): boolean {
    return nowMs >= this.#purgedUntilMs && !this.#forgotten.has(this.#key.hash, nowMs);
  }

  #taint(fill: Fill<G>): void {
    fill.isTainted = true;
    if (this.#fills.get(fill.place.name) === fill) this.#fills.delete(fill.place.name);
  }

  #refresh(
    stored: StoredAnswer,
    rule: CacheRule,
    ground: G,
    request: CanonicalRequest,
    isPeer: boolean,
  ): void {
    const name = this.#nameOf(rule, ground.upstream.name, request);
    if (name === "" || this.#fills.has(name)) return;
    if (this.#refreshes >= REFRESHES_MAX || this.#under.size >= FILLS_MAX) {
      this.counts.refreshesSkipped++;
      return;
    }
    this.counts.refreshes++;
    this.#refreshes++;
    // Its own Authorization and cookies stay here, not what the gateway tells the upstream of who it is.
    const hasCredentials = request.identity !== undefined || request.clientCertificate !== undefined;
    const demand = { directives: undefined, hasCredentials };
    const fill = this.#open(name, rule, ground, demand, stored, undefined, request);
    fill.start(!isPeer && !hasCredentials && this.#mayAskPeer(this.deps.nowMs()));
  }

  #open(
    name: string,
    rule: CacheRule,
    ground: G,
    demand: Demand,
    stale: StoredAnswer | undefined,
    visitor: Visitor | undefined,
    request = visitor!.request,
  ): Fill<G> {
    const copy = this.deps.requests.take();
    copyRequest(request, copy);
    copy.method = GET;
    const place = {
      name,
      key: this.#key.take(),
      hash: this.#key.hash,
      rule,
      ground,
      upstream: ground.upstream.name,
      demand,
      stale,
    };
    const fill = new Fill(this, place, copy, visitor);
    this.#under.add(fill);
    if (name !== "") this.#fills.set(name, fill);
    return fill;
  }

  /** Under which requests wait for one another; "" = this one does not. The key was just written. */
  #nameOf(rule: CacheRule, upstream: string, request: CanonicalRequest): string {
    const key = this.#key;
    const vary = this.table.varyOf(key, rule.name, upstream);
    const variant = vary === undefined ? "" : variantOf(request, vary);
    if (variant === undefined) return "";
    return `${rule.name}\n${upstream}\n${variant}\n${key.bytes.latin1Slice(0, key.length)}`;
  }
}

const HIT = { outcome: "HIT", collapsed: false, record: undefined, status: 0 } as const;
const STALE_MEANWHILE = {
  outcome: "STALE-WHILE-REVALIDATE",
  collapsed: false,
  record: undefined,
  status: 0,
} as const;
