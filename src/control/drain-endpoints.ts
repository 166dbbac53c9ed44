import type { AdminEndpoint } from "./admin.ts";
import { type ControlAnswer, json } from "./control-listener.ts";
import type { Withdrawal } from "./withdrawal.ts";

export interface DrainSource {
  readonly withdrawal: Pick<Withdrawal, "state" | "drain" | "undrain">;
  /** Of clients, all workers together, as of now. */
  readonly connections: () => Promise<number>;
  readonly delayMs: () => number;
}

/** Out of the balancer's rotation, and back. */
export function drainEndpoints(source: DrainSource): readonly AdminEndpoint[] {
  const { withdrawal } = source;
  return [
    {
      method: "GET",
      path: "/v1/drain",
      role: "read",
      does: "whether the gateway is drained, and how many connections of clients are left",
      answer: () => stateOf(source),
    },
    {
      method: "POST",
      path: "/v1/drain",
      role: "operate",
      does: "readiness fails at once; after `shutdown_delay_ms` connections are closed when idle or after their exchange; new ones are still served",
      answer: () => {
        withdrawal.drain();
        return stateOf(source);
      },
    },
    {
      method: "POST",
      path: "/v1/undrain",
      role: "operate",
      does: "ready again, and connections are kept",
      answer: () => {
        withdrawal.undrain();
        return stateOf(source);
      },
    },
  ];
}

async function stateOf({ withdrawal, connections, delayMs }: DrainSource): Promise<ControlAnswer> {
  return json(200, {
    state: withdrawal.state,
    connections: await connections(),
    ...(withdrawal.state === "serving" ? {} : { shutdown_delay_ms: delayMs() }),
  });
}
