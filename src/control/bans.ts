import { readCidr } from "../config/address.ts";
import type { BanConfig, Config } from "../config/config.ts";
import type { OffenceReport, Offences } from "../gate/offence-watch.ts";
import { addressGroup, type Cidr, parseAddress, parseCidr } from "../identity/address.ts";
import type { RangeTable } from "../identity/range-table.ts";
import type { Clock } from "../std/clock.ts";
import { banFile } from "./ban-file.ts";
import { type BanCause, BanTable, banCauses, OPERATOR_BANS_MAX, overlaps } from "./ban-table.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import { OffenceCounts, offenceReportMs } from "./offence-counts.ts";

/** From the threshold to the judgement: by then every worker has told what it saw of the client, good and bad. */
const settleMs = 2 * offenceReportMs;
/** A client with more of the recent good requests than this is many people behind one address. */
const SHARE_MAX = 0.2;
/** Clients that a judgement logs one by one: a flood of addresses is no flood of lines. */
const LOGGED_MAX = 10;
const tickMs = 1000;
const COUNTED_MAX = 10_000;

/** A ban as operators see it. */
export interface ShownBan {
  readonly address: string;
  readonly cause: string;
  readonly since: string;
  /** Null = until it is lifted. */
  readonly until: string | null;
  readonly times: number;
}

export interface BansOptions {
  /** Undefined = bans end with the process. */
  readonly stateDir: string | undefined;
  readonly broadcast: (message: ToWorker) => void;
  /** Somebody is banned for what this machine saw, or by an operator. */
  readonly onBan?: (client: string, by: "ban" | "operator") => void;
  readonly exposition: Pick<Exposition, "add" | "set">;
  readonly clock: Clock;
  readonly log: Log;
}

/** The bans of this machine: workers report, the primary decides and tells all workers who is kept out. */
export interface Bans {
  /** Settings of the configuration in force. Bans stay; those that it forbids are lifted. */
  adopt(config: Pick<Config, "ban" | "server"> & Partial<Pick<Config, "mesh">>): void;
  hear(worker: number, report: OffenceReport): void;
  /** The worker is gone. */
  forget(worker: number): void;
  /** What workers must know. */
  news(): ToWorker;
  /** Who is kept out now; undefined = nobody. */
  readonly banned: RangeTable | undefined;
  list(): readonly ShownBan[];
  /** By an operator; `secs` undefined = until it is lifted. Returns its name, or what is wrong. */
  add(address: string, secs: number | undefined): { readonly name: string } | { readonly problem: string };
  /** By the word of other edges: not whom counting may not ban either, nor who is banned already. */
  offer(client: string, secs: number): void;
  /** False: nobody of this address is banned. */
  lift(address: string): boolean;
  stop(): void;
}

export function createBans({ stateDir, broadcast, onBan, exposition, clock, log }: BansOptions): Bans {
  const table = new BanTable(COUNTED_MAX);
  const counts = new OffenceCounts();
  const file = stateDir === undefined ? undefined : banFile(stateDir, clock);
  const pending = new Set<string>();
  let settings: BanConfig | undefined;
  /** Whom counting never bans. */
  let never: readonly Cidr[] = [];
  let judgement: NodeJS.Timeout | undefined;
  let tick: NodeJS.Timeout | undefined;
  let pushed = 0;
  let isSaved = true;

  const judge = (): void => {
    judgement = undefined;
    const clients = [...pending];
    pending.clear();
    const nowMs = clock.nowMs();
    let bans = 0;
    let judged = 0;
    for (const client of clients) {
      const { waf, limit } = counts.of(client);
      counts.clear(client);
      if (settings === undefined || table.isBanned(client, nowMs)) continue;
      const spared = sparedFor(client, settings, nowMs);
      if (spared !== undefined) {
        exposition.add("bansSpared", [spared.reason]);
        if (++judged <= LOGGED_MAX)
          log.warn(
            { "event.name": "zion.ban.spared", client, ...spared, waf, limit },
            "a client that offends is not banned",
          );
        continue;
      }
      const cause = waf > 0 && settings.from.includes("waf") ? "waf" : "limit";
      const ban = table.addCounted(client, cause, nowMs, {
        firstMs: settings.banSecs * 1000,
        maxMs: settings.banMaxSecs * 1000,
      });
      if (ban === undefined) continue;
      exposition.add("bansTotal", [cause]);
      onBan?.(client, "ban");
      bans++;
      const secs = Math.round((ban.untilMs - nowMs) / 1000);
      if (++judged <= LOGGED_MAX)
        log.warn({ "event.name": "zion.ban", client, secs, times: ban.times, waf, limit }, "banned");
    }
    if (judged > LOGGED_MAX)
      log.warn(
        { "event.name": "zion.ban.more", more: judged - LOGGED_MAX },
        "more clients offend: zion_bans_total and zion_bans_spared_total count them",
      );
    if (bans > 0) changed();
  };

  const sparedFor = (
    client: string,
    { shadow }: BanConfig,
    nowMs: number,
  ): { readonly reason: string; readonly share?: number } | undefined => {
    const block = parseCidr(client);
    if (block === undefined || never.some((other) => overlaps(block, other))) return { reason: "listed" };
    const share = counts.shareOf(client, nowMs);
    if (share > SHARE_MAX) return { reason: "share", share: Math.round(share * 100) / 100 };
    return shadow ? { reason: "shadow" } : undefined;
  };

  const changed = (): void => {
    isSaved = false;
    push();
  };

  const push = (): void => {
    broadcast(news());
    tick ??= setTimeout(turn, tickMs);
  };

  const news = (): ToWorker => {
    const nowMs = clock.nowMs();
    const current = table.current(nowMs);
    pushed = current.length;
    for (const cause of banCauses)
      exposition.set("bans", current.filter((ban) => ban.cause === cause).length, [cause]);
    exposition.set("banEvictions", table.evicted, ["bans"]);
    return { type: "bans", banned: table.ranges(nowMs) };
  };

  /** Ends what is over, and saves what is new. */
  const turn = (): void => {
    tick = undefined;
    const nowMs = clock.nowMs();
    table.forget(nowMs, (settings?.banMaxSecs ?? 0) * 1000);
    save();
    if (table.current(nowMs).length !== pushed) push();
    if (table.all().length > 0) tick ??= setTimeout(turn, tickMs);
  };

  const save = (): void => {
    if (isSaved || file === undefined) return;
    isSaved = true;
    attempt("bans cannot be saved", () => file.save(table));
  };

  const attempt = (text: string, work: () => void): void => {
    try {
      work();
    } catch (cause) {
      log.warn({ "event.name": "zion.ban.file", problem: String(cause) }, text);
    }
  };

  if (file !== undefined) attempt("saved bans cannot be read", () => file.restore(table));
  if (table.all().length > 0) tick = setTimeout(turn, tickMs);

  return {
    adopt({ ban, mesh, server }) {
      settings = ban;
      table.max = ban?.maxBans ?? COUNTED_MAX;
      const listed = [...server.trustedProxies, ...server.proxyProtocol, ...server.internalNetworks];
      never = listed.map((cidr) => parseCidr(cidr)).filter((block) => block !== undefined);
      const isAsked = (cause: BanCause) => (cause === "mesh" ? mesh?.bans === true : ban !== undefined);
      table.liftWhere(({ block, cause }) => !isAsked(cause) || never.some((other) => overlaps(block, other)));
      changed();
    },
    hear(worker, report) {
      if (settings === undefined) return;
      const nowMs = clock.nowMs();
      counts.hear(worker, report, nowMs, settings.windowSecs * 1000);
      exposition.set("banEvictions", counts.dropped, ["offenders"]);
      for (const client of report.offenders.keys())
        if (weightOf(counts.of(client), settings) >= settings.threshold) pending.add(client);
      if (pending.size > 0) judgement ??= setTimeout(judge, settleMs);
    },
    forget: (worker) => counts.forget(worker),
    news,
    get banned() {
      return table.ranges(clock.nowMs());
    },
    list() {
      const shift = clock.wallMs() - clock.nowMs();
      const stamp = (ms: number) => new Date(ms + shift).toISOString();
      return table.current(clock.nowMs()).map(({ address, cause, sinceMs, untilMs, times }) => ({
        address,
        cause,
        since: stamp(sinceMs),
        until: untilMs === Number.POSITIVE_INFINITY ? null : stamp(untilMs),
        times,
      }));
    },
    add(text, secs) {
      const reading = readCidr(text);
      if ("problem" in reading) return { problem: problemOf(reading) };
      const address = nameOf(text);
      const block = parseCidr(address);
      // `::ffff:192.0.2.0/90`
      if (block === undefined) return { problem: "a block of IPv4 and other addresses" };
      if (never.some((other) => overlaps(block, other)))
        return { problem: "holds an address of trusted_proxies, proxy_protocol or internal_networks" };
      const nowMs = clock.nowMs();
      const untilMs = secs === undefined ? Number.POSITIVE_INFINITY : nowMs + secs * 1000;
      const isTaken = table.put({ address, block, cause: "operator", sinceMs: nowMs, untilMs, times: 1 });
      if (!isTaken) return { problem: `operators have ${OPERATOR_BANS_MAX} bans already` };
      exposition.add("bansTotal", ["operator"]);
      onBan?.(address, "operator");
      log.info({ "event.name": "zion.ban", client: address, secs, by: "operator" }, "banned");
      changed();
      return { name: address };
    },
    offer(client, secs) {
      const nowMs = clock.nowMs();
      const block = parseCidr(client);
      if (block === undefined || table.isBanned(client, nowMs)) return;
      const isListed = never.some((other) => overlaps(block, other));
      if (isListed || counts.shareOf(client, nowMs) > SHARE_MAX) {
        exposition.add("bansSpared", [isListed ? "listed" : "share"]);
        return;
      }
      table.addCounted(client, "mesh", nowMs, { firstMs: secs * 1000, maxMs: secs * 1000 });
      exposition.add("bansTotal", ["mesh"]);
      changed();
    },
    lift(text) {
      const address = nameOf(text);
      if (!table.lift(address)) return false;
      counts.clear(address);
      log.info({ "event.name": "zion.ban.lifted", client: address }, "a ban was lifted");
      changed();
      return true;
    },
    stop() {
      clearTimeout(judgement);
      clearTimeout(tick);
      save();
    },
  };
}

function weightOf({ waf, limit }: Offences, { from }: BanConfig): number {
  return (from.includes("waf") ? waf : 0) + (from.includes("limit") ? limit : 0);
}

function problemOf({
  problem,
  suggestion,
}: {
  readonly problem: string;
  readonly suggestion?: string | undefined;
}): string {
  return suggestion === undefined ? problem : `${problem}: ${suggestion}?`;
}

/** Single addresses by what is counted as one client; blocks as they are written. */
function nameOf(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text.toLowerCase() : addressGroup(address);
}
