import type { StickyConfig } from "../config/config.ts";
import { removeCookie } from "../http/cookie-edit.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { sharingOf } from "../http/shared-answer.ts";
import { findCookie } from "../http/template.ts";
import { Remembered } from "../identity/remembered.ts";
import { memberOf, openTicket, sealTicket, stickyKey, type Ticket } from "./sticky-ticket.ts";

/** Requests by what their cookie was good for. */
export interface StickyCounts {
  /** Its member answered. */
  hit: number;
  /** There was none. */
  none: number;
  /** Its member is gone, down or failed: another one answered. */
  moved: number;
  expired: number;
  /** Not one of ours. */
  refused: number;
}

/** What sticky sessions take from the worker. */
export interface StickyGround {
  /** 32 bytes that all workers of the machine have; replaced before the listeners open. */
  stickyRoot: Uint8Array;
  wallMs(): number;
}

/** Who a client keeps to, as far as its cookie says. */
export interface Bond<E> {
  readonly member: E | undefined;
  /** Undefined = it has no cookie that is good. */
  readonly ticket: Ticket | undefined;
}

/** Cookies that were found good are remembered, twice as many at most: a check costs 10 us, a look 0.1. */
const REMEMBERED_MAX = 1024;
/** Ends of tickets are whole minutes: within one, all clients of a member have the same cookie. It identifies nobody. */
const GRAIN_SECS = 60;

/**
 * Sticky sessions of one upstream: a signed cookie names the member that a client was served by. A cookie that is forged,
 * of another upstream or past its end is as good as none; one whose member cannot be used is replaced.
 */
export class Sticky<E extends { readonly url: string }> {
  readonly counts: StickyCounts = { hit: 0, none: 0, moved: 0, expired: 0, refused: 0 };
  readonly #upstream: string;
  readonly #config: StickyConfig;
  readonly #members: readonly E[];
  readonly #ground: StickyGround;
  readonly #good = new Remembered<Ticket>(REMEMBERED_MAX);
  /** Made with the first request: workers hear of the root when they have compiled. */
  #keys: { readonly key: Uint8Array; readonly members: ReadonlyMap<string, E> } | undefined;
  /** By member; of the minute that they were made in. */
  readonly #lines = new Map<E, { readonly untilSecs: number; readonly line: string }>();

  constructor(upstream: string, config: StickyConfig, members: readonly E[], ground: StickyGround) {
    this.#upstream = upstream;
    this.#config = config;
    this.#members = members;
    this.#ground = ground;
  }

  /** Reads the request's cookie; what it was no good for is counted. The cookie goes no further. */
  take(request: CanonicalRequest): Bond<E> {
    const { cookie, forward } = this.#config;
    const text = findCookie(request, cookie);
    if (text === undefined) {
      this.counts.none++;
      return UNBOUND;
    }
    if (!forward) removeCookie(request, cookie);
    const ticket = this.#open(text);
    if (ticket === undefined) this.counts.refused++;
    else if (this.#isOver(ticket)) this.counts.expired++;
    else return { ticket, member: this.#keyed().members.get(ticket.member) };
    return UNBOUND;
  }

  /** Whether the request's cookie names a member: a client that a split sent here once comes back. */
  holds(request: CanonicalRequest): boolean {
    const text = findCookie(request, this.#config.cookie);
    const ticket = text === undefined ? undefined : this.#open(text);
    return ticket !== undefined && !this.#isOver(ticket) && this.#keyed().members.has(ticket.member);
  }

  /**
   * `member` answered. Sets a cookie for it in the answer where the client has none that is good, or half of its time is
   * over. Not for answers that every client may get from a cache, which would bring all of them to one member, and not for
   * those of a member that cannot answer.
   */
  answer(head: ResponseHead, request: CanonicalRequest, member: E, { ticket, member: bound }: Bond<E>): void {
    if (ticket !== undefined) this.counts[bound === member ? "hit" : "moved"]++;
    const nowSecs = this.#ground.wallMs() / 1000;
    if (bound === member && ticket!.untilSecs - nowSecs > this.#config.ttlSecs / 2) return;
    if (head.status === 502 || head.status === 503 || head.status === 504) return;
    const sharing = head.status === 101 ? "barred" : sharingOf(head);
    if (sharing === "invited") return;
    if (sharing === "open") head.addedLines += "Cache-Control: private\r\n";
    const { secure } = this.#config;
    const line = this.#lineFor(member, nowSecs);
    head.addedLines += (secure ?? request.secure) ? `${line}; Secure\r\n` : `${line}\r\n`;
  }

  #open(text: string): Ticket | undefined {
    const known = this.#good.get(text);
    if (known !== undefined) return known;
    const ticket = openTicket(this.#keyed().key, text);
    // Good ones only: a flood of bad ones would push them out.
    if (ticket !== undefined && !this.#isOver(ticket)) this.#good.add(text, ticket);
    return ticket;
  }

  #isOver({ untilSecs }: Ticket): boolean {
    return untilSecs * 1000 <= this.#ground.wallMs();
  }

  #lineFor(member: E, nowSecs: number): string {
    const { cookie, ttlSecs, path, httpOnly, sameSite } = this.#config;
    const untilSecs = Math.ceil((nowSecs + ttlSecs) / GRAIN_SECS) * GRAIN_SECS;
    const made = this.#lines.get(member);
    if (made?.untilSecs === untilSecs) return made.line;
    const { key } = this.#keyed();
    const value = sealTicket(key, { member: memberOf(key, member.url), untilSecs });
    const line = `Set-Cookie: ${cookie}=${value}; Path=${path}; Max-Age=${ttlSecs}; SameSite=${sameSite}${httpOnly ? "; HttpOnly" : ""}`;
    this.#lines.set(member, { untilSecs, line });
    return line;
  }

  #keyed(): { readonly key: Uint8Array; readonly members: ReadonlyMap<string, E> } {
    if (this.#keys !== undefined) return this.#keys;
    const { key: configured } = this.#config;
    const key =
      configured === undefined
        ? stickyKey(this.#ground.stickyRoot, this.#upstream)
        : Buffer.from(configured, "base64url");
    this.#keys = {
      key,
      members: new Map(this.#members.map((member) => [memberOf(key, member.url), member])),
    };
    return this.#keys;
  }
}

const UNBOUND = { member: undefined, ticket: undefined };
