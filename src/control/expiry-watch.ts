import type { ServedCertificate } from "../cert/inventory.ts";
import type { Clock } from "../std/clock.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";

/** Tells how long the certificates in force are good for: gauges, a log line at each threshold, readiness. */
export interface ExpiryWatch {
  adopt(served: readonly ServedCertificate[]): void;
  /** "degraded" once one has less than 3 days, or a third of its life, or none at all (reliability.md C9). */
  readonly state: "ok" | "degraded";
  stop(): void;
}

const dayMs = 86_400_000;
/** Days left at which something is said, once per certificate. */
const thresholdsDays = [21, 14, 7, 3, 1, 0];
const degradedDays = 3;
const lookEveryMs = 600_000;

export function watchExpiry(
  exposition: Pick<Exposition, "set">,
  clock: Pick<Clock, "wallMs">,
  log: Log,
): ExpiryWatch {
  let certificates: readonly Watched[] = [];
  /** Threshold in days that was last told, by certificate. */
  let told = new Map<string, number>();
  let state: ExpiryWatch["state"] = "ok";

  const look = (): void => {
    const nowMs = clock.wallMs();
    const next = new Map<string, number>();
    state = "ok";
    for (const { name, path, sha256, fromMs, untilMs } of certificates) {
      const leftMs = untilMs - nowMs;
      // Some live for days only: they are worth a word when a third is left.
      const isDue = (days: number) => leftMs <= Math.min(days * dayMs, (untilMs - fromMs) / 3);
      if (isDue(degradedDays)) state = "degraded";
      const reached = thresholdsDays.findLast(isDue);
      if (reached === undefined) continue;
      const key = `${name} ${sha256}`;
      next.set(key, reached);
      if ((told.get(key) ?? Infinity) <= reached) continue;
      const about = { "event.name": "zion.tls.certificate.expires", name, path, sha256 };
      const daysLeft = Math.round((leftMs / dayMs) * 10) / 10;
      const until = new Date(untilMs).toISOString();
      if (leftMs <= 0)
        log.error({ ...about, until, days_left: daysLeft }, "certificate expired, and is still served");
      else log.warn({ ...about, until, days_left: daysLeft }, "certificate expires soon");
    }
    told = next;
  };

  const timer = setInterval(look, lookEveryMs);
  timer.unref();

  return {
    adopt(served) {
      certificates = served.flatMap(watched);
      // Of two for one name the one that ends first; it is set last.
      for (const { name, untilMs } of certificates.toSorted((a, b) => b.untilMs - a.untilMs))
        exposition.set("certificateNotAfter", untilMs / 1000, [name]);
      look();
    },
    get state() {
      return state;
    },
    stop: () => clearInterval(timer),
  };
}

interface Watched {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

function watched({ names, certificates }: ServedCertificate): Watched[] {
  return (names.length === 0 ? ["default"] : names).flatMap((name) =>
    certificates.map(({ path, sha256, notBefore, notAfter }) => ({
      name,
      path,
      sha256,
      fromMs: Date.parse(notBefore),
      untilMs: Date.parse(notAfter),
    })),
  );
}
