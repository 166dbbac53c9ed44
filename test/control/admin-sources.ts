import { cutConfig } from "../../src/config/parts.ts";
import type { AdminSources } from "../../src/control/admin-endpoints.ts";
import { json } from "../../src/control/control-listener.ts";
import { createEventFeed } from "../../src/control/event-feed.ts";
import { systemClock } from "../../src/std/clock.ts";
import { goodConfig, minimal } from "../support/config-case.ts";

/** What the admin listener's endpoints read, of a gateway where nothing happens. */
export function adminSources(own: Partial<AdminSources> = {}): AdminSources {
  const config = goodConfig(minimal);
  return {
    overview: async () => json(200, {}),
    gateway: {
      config: () => config,
      scrape: async () => {},
      exposition: { read: () => [] },
      upstreams: () => [],
    },
    generations: {
      generation: 2,
      cut: { manifest: [], parts: new Map() },
      history: () => [],
      find: () => cutConfig(config),
      reload: async () => ({ kind: "loaded", generation: 2 }),
      rollBack: async () => ({ kind: "loaded", generation: 3 }),
      push: async () => ({ kind: "loaded", generation: 3 }),
      tryOut: async () => ({ kind: "good", changes: [], warnings: [] }),
    },
    drain: {
      withdrawal: { state: "serving", drain: () => {}, undrain: () => {} },
      connections: async () => 0,
      delayMs: () => 0,
    },
    events: createEventFeed({ generation: () => 2, onDropped: () => {}, clock: systemClock }).endpoint,
    decisions: { find: () => [], hurry: async () => {} },
    explain: async () => ({}),
    proveExclusion: async () => "{}\n",
    acme: {
      status: () => ({ elected: true, certificates: [] }),
      renew: () => undefined,
      rollOver: async () => undefined,
    },
    certificates: { served: [], ocspOf: () => undefined },
    tickets: { rotate: () => {} },
    cache: {
      supervision: { broadcast: () => {}, scrape: async () => true },
      exposition: { read: () => [] },
    },
    bans: { list: () => [], add: () => ({ problem: "" }), lift: () => true },
    revocations: { list: () => [], add: () => "added", remove: () => "removed" },
    ...own,
  };
}
