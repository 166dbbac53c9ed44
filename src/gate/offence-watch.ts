import type { CanonicalRequest } from "../http/request.ts";
import { addressGroup, parseAddress } from "../identity/address.ts";
import { type Reason, reasons } from "../reason.ts";

/** What a worker tells the primary of clients, by their IPv4 address or IPv6 /64. */
export interface OffenceReport {
  readonly offenders: ReadonlyMap<string, Offences>;
  /** Shares of the last allowed requests, from 1 % on. */
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
  /** Addresses of the last allowed requests, in a ring. The texts are there anyway: nothing is made for them. */
  readonly #recent: string[] = new Array<string>(RECENT).fill("");
  #next = 0;
  #allowed = 0;

  /** Every exchange that ended. Shadows are neither good nor bad. */
  note(request: CanonicalRequest, reason: Reason | undefined, isShadow: boolean): void {
    if (reason === undefined) {
      if (isShadow) return;
      this.#recent[this.#next] = request.clientAddress;
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

function sharesOf(recent: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  let all = 0;
  for (const text of recent) {
    if (text === "") continue;
    all++;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const shares = new Map<string, number>();
  for (const [text, count] of counts) {
    const address = parseAddress(text);
    if (address === undefined) continue;
    const client = addressGroup(address);
    shares.set(client, (shares.get(client) ?? 0) + count / all);
  }
  for (const [client, share] of shares) if (share < SHARE_MIN) shares.delete(client);
  return shares;
}
