import type { CanonicalRequest } from "../http/request.ts";
import { addressGroup } from "../identity/address.ts";
import { type Reason, reasons } from "../reason.ts";

/** What a worker tells the primary of clients, by their IPv4 address or IPv6 /64. */
export interface OffenceReport {
  readonly offenders: ReadonlyMap<string, Offences>;
  /** Shares of the last good requests, allowed and answered without an error; from 1 % on. */
  readonly shares: ReadonlyMap<string, number>;
  /** Requests allowed since the last report. */
  readonly allowed: number;
  /** Offences of more clients than a report holds. */
  readonly dropped: number;
}

/** Refused requests of one client. */
export interface Offences {
  /** Rules of the WAF fired. */
  waf: number;
  /** A rate limit, or the cap of exchanges at once. */
  limit: number;
}

/** Clients in one report: beyond it they are many, each does little, and their turn comes with the next one. */
const OFFENDERS_MAX = 4096;
/** Allowed requests that shares are measured by. */
const RECENT = 1024;
const SHARE_MIN = 0.01;

/** What one worker saw of clients since it last told: who was refused for what, and who makes up its good traffic. */
export class OffenceWatch {
  #offenders = new Map<string, Offences>();
  #dropped = 0;
  /** Clients of the last allowed requests, in a ring: an IPv4 address, or the upper half of an IPv6 address. */
  readonly #recent = new BigUint64Array(RECENT);
  /** The same as words, low one first, as every machine has it that Node runs on. */
  readonly #words = new Uint32Array(this.#recent.buffer);
  #next = 0;
  #allowed = 0;

  /**
   * Every exchange that ended. Neither good nor bad are shadows, and what was answered with an error: else a scanner's own
   * 404s would make it one of the best clients of a small site.
   */
  note(request: CanonicalRequest, reason: Reason | undefined, status: number, isShadow: boolean): void {
    if (reason === undefined) {
      if (isShadow || status >= 400) return;
      const { v4, w0, w1, w3 } = request.clientIp;
      this.#words[this.#next * 2] = v4 ? w3 : w1;
      this.#words[this.#next * 2 + 1] = v4 ? V4_HIGH : w0;
      this.#next = (this.#next + 1) % RECENT;
      this.#allowed++;
    } else if (reason === reasons.wafPatterns) this.#offend(request, "waf");
    else if (reason === reasons.rateLimited || reason === reasons.inFlightAddress)
      this.#offend(request, "limit");
  }

  /** Undefined: there is nothing to tell. */
  tell(): OffenceReport | undefined {
    if (this.#allowed === 0 && this.#offenders.size === 0) return undefined;
    const report: OffenceReport = {
      offenders: this.#offenders,
      shares: sharesOf(this.#recent),
      allowed: this.#allowed,
      dropped: this.#dropped,
    };
    this.#offenders = new Map();
    this.#allowed = 0;
    this.#dropped = 0;
    return report;
  }

  #offend({ clientIp, clientAddress }: CanonicalRequest, cause: keyof Offences): void {
    const client = clientIp.v4 ? clientAddress : addressGroup(clientIp);
    let offences = this.#offenders.get(client);
    if (offences === undefined) {
      if (this.#offenders.size === OFFENDERS_MAX) {
        this.#dropped++;
        return;
      }
      offences = { waf: 0, limit: 0 };
      this.#offenders.set(client, offences);
    }
    offences[cause]++;
  }
}

/** Counts a ring: sorted, each client is one run, and only those that are told of become text. */
function sharesOf(recent: BigUint64Array): ReadonlyMap<string, number> {
  // As words from there on: each bigint would be an object.
  const words = new Uint32Array(recent.slice().sort().buffer);
  const shares = new Map<string, number>();
  let start = 0;
  while (start < words.length && words[start] === 0 && words[start + 1] === 0) start += 2;
  const all = (words.length - start) / 2;
  for (let at = start + 2; at <= words.length; at += 2) {
    if (words[at] === words[start] && words[at + 1] === words[start + 1]) continue;
    const share = (at - start) / 2 / all;
    if (share >= SHARE_MIN) shares.set(clientText(words[start + 1]!, words[start]!), share);
    start = at;
  }
  return shares;
}

function clientText(high: number, low: number): string {
  return addressGroup(
    high === V4_HIGH
      ? { v4: true, w0: 0, w1: 0, w2: 0, w3: low }
      : { v4: false, w0: high, w1: low, w2: 0, w3: 0 },
  );
}

/** Stands above an IPv4 address. As the beginning of an IPv6 address it is a multicast group, which is no client. */
const V4_HIGH = 0xffff_ffff;
