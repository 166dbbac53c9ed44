import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCidr } from "../identity/address.ts";
import type { Clock } from "../std/clock.ts";
import { type Ban, type BanCause, type BanTable, banCauses } from "./ban-table.ts";

/** Bans over a restart: `bans.json` in the state directory. */
export interface BanFile {
  /** Adds what was saved. Throws where the file is there and is none of ours. */
  restore(table: BanTable): void;
  /** Throws where it cannot be written. */
  save(table: BanTable): void;
}

/** Wall-clock milliseconds; null = until it is lifted. */
interface SavedBan {
  readonly address: string;
  readonly cause: BanCause;
  readonly since: number;
  readonly until: number | null;
  readonly times: number;
}

export function banFile(stateDir: string, clock: Clock): BanFile {
  const path = join(stateDir, "bans.json");
  // The table counts in monotonic time, which begins anew with the process.
  const wallOf = (ms: number) => Math.round(ms - clock.nowMs() + clock.wallMs());
  const monotonicOf = (wall: number) => wall - clock.wallMs() + clock.nowMs();
  return {
    restore(table) {
      let text: string;
      try {
        text = readFileSync(path, "utf8");
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return;
        throw cause;
      }
      for (const saved of readBans(text)) {
        const untilMs = saved.until === null ? Number.POSITIVE_INFINITY : monotonicOf(saved.until);
        const { address, cause, times } = saved;
        const block = parseCidr(address);
        if (block === undefined) throw new Error(`bans.json: not an address: ${address}`);
        table.put({ address, block, cause, sinceMs: monotonicOf(saved.since), untilMs, times });
      }
    },
    save(table) {
      const bans = table.all().map(
        ({ address, cause, sinceMs, untilMs, times }: Ban): SavedBan => ({
          address,
          cause,
          since: wallOf(sinceMs),
          until: untilMs === Number.POSITIVE_INFINITY ? null : wallOf(untilMs),
          times,
        }),
      );
      writeFileSync(`${path}.new`, JSON.stringify(bans), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}

function readBans(text: string): readonly SavedBan[] {
  const bans: unknown = JSON.parse(text);
  if (!Array.isArray(bans) || !bans.every(isSavedBan)) throw new Error("bans.json: not a list of bans");
  return bans;
}

function isSavedBan(value: unknown): value is SavedBan {
  if (typeof value !== "object" || value === null) return false;
  const { address, cause, since, until, times } = value as Partial<Record<keyof SavedBan, unknown>>;
  return (
    typeof address === "string" &&
    banCauses.some((known) => known === cause) &&
    typeof since === "number" &&
    (until === null || typeof until === "number") &&
    typeof times === "number"
  );
}
