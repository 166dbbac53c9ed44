import { getLarge, getSmall, postSmall, type Traffic } from "./traffic.ts";

/** What is driven through every candidate. */
export interface Scenario {
  readonly title: string;
  /** `wrk`: 64 connections in a closed loop. `handshake`: one at a time. `idle`: memory of connections held. */
  readonly kind: "wrk" | "handshake" | "idle";
  readonly traffic: Traffic;
  readonly tls: boolean;
  /** `Connection: close` on every request. */
  readonly close: boolean;
}

export type ScenarioName = keyof typeof scenarios;

/** Connections wrk keeps open. */
export const loadConnections = 64;

export const scenarios = {
  get150: wrk("GET, 150 B answer, keep-alive", getSmall),
  post1k: wrk("POST 1,024 B JSON, keep-alive", postSmall),
  get10k: wrk("GET, 10 kB answer, keep-alive", getLarge),
  "tls-get": { ...wrk("GET, 150 B answer over TLS 1.3, keep-alive", getSmall), tls: true },
  "conn-per-request": { ...wrk("GET, 150 B answer, a connection per request", getSmall), close: true },
  "full-handshake": {
    ...wrk("TLS 1.3 full handshake + GET + close, one at a time", getSmall),
    kind: "handshake",
    tls: true,
    close: true,
  },
  "idle-tls": { ...wrk("idle TLS connections after one GET each", getSmall), kind: "idle", tls: true },
} as const satisfies Record<string, Scenario>;

function wrk(title: string, traffic: Traffic): Scenario & { readonly kind: "wrk" } {
  return { title, kind: "wrk", traffic, tls: false, close: false };
}
