import type { Config } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import type { Exposition } from "./exposition.ts";
import { createKeyKeeper, type KeyKeeperOptions, keySources } from "./jwks.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import type { Revocations } from "./revocations.ts";

/** What the primary knows of identities: keys of issuers, revoked tokens. */
export interface IdentityDesk {
  /** Fetches the keys of these configurations from now on; waits a little for the first ones. Never rejects. */
  watch(...configs: readonly Config[]): Promise<void>;
  /** A worker has a token whose key it does not know. */
  wantKeys(source: string): void;
  /** What a new worker is told. */
  news(): readonly ToWorker[];
  readonly revocations: Revocations;
  stop(): void;
}

export interface IdentityDeskOptions {
  readonly broadcast: (message: ToWorker) => void;
  readonly fetch: KeyKeeperOptions["fetch"];
  readonly revocations: Revocations;
  readonly exposition: Exposition;
  readonly clock: Clock;
  readonly log: Log;
}

const pruneMs = 60_000;

export function openIdentityDesk(options: IdentityDeskOptions): IdentityDesk {
  const { broadcast, revocations, exposition, clock, log } = options;
  const keys = createKeyKeeper({
    fetch: options.fetch,
    onChange: (source, found) => broadcast({ type: "auth_keys", source, keys: found }),
    onFetch: (result) => exposition.add("keyFetches", [result]),
    clock,
    log,
  });
  const count = () => exposition.set("revocations", revocations.list().length);
  revocations.listen((added, dropped) => {
    broadcast({ type: "revoked", added, dropped });
    count();
  });
  count();
  const timer = setInterval(() => revocations.prune(), pruneMs);
  timer.unref();

  return {
    watch: (...configs) => keys.watch(configs.flatMap(keySources)),
    wantKeys: keys.want,
    news: () => [
      ...[...keys.keys].map(([source, found]): ToWorker => ({ type: "auth_keys", source, keys: found })),
      { type: "revoked", added: revocations.list().map(({ jti }) => jti), dropped: [] },
    ],
    revocations,
    stop() {
      keys.stop();
      clearInterval(timer);
    },
  };
}
