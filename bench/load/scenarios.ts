import type { CandidateName } from "./candidate.ts";
import { eventStream, webSocket } from "./events.ts";
import { getLargeFile, getSmallFile } from "./files.ts";
import { grpcUnary } from "./grpc-origin.ts";
import { nodeProxies } from "./node-proxy.ts";
import {
  getHuge,
  getLarge,
  getSmall,
  postSmall,
  type Traffic,
  uploadTraffic,
  wafGet,
  wafPostForm,
  wafPostJson,
} from "./traffic.ts";

/** What is driven through every candidate. */
export interface Scenario {
  readonly title: string;
  /**
   * `wrk`: 64 connections in a closed loop. `handshake`, `resumption`: one at a time. `idle`: memory of connections held. `upload`:
   * one after the other, while small requests on a second connection tell how long the proxy is deaf. `h2load`: 16
   * connections of HTTP/2 with 8 streams each, for uploads 2 with one. `fan-out`: events to streams that stay open.
   */
  readonly kind: "wrk" | "handshake" | "resumption" | "idle" | "upload" | "h2load" | "fan-out";
  /**
   * What stands behind the candidates: nginx, asked once by those that store its answer (`cached`), or whose answers they
   * compress, a gRPC service, a sender of events, nothing but files, or nginx over TLS.
   */
  readonly backend: Backend;
  readonly candidates: readonly CandidateName[];
  /** The gateway inspects, nginx does not; attacks are sent first to see who does. Otherwise nobody inspects. */
  readonly waf: boolean;
  readonly traffic: Traffic;
  readonly tls: boolean;
  /** `Connection: close` on every request. */
  readonly close: boolean;
}

export type Backend = "origin" | "cached" | "compressed" | "grpc" | "events" | "files" | "encrypted";

export type ScenarioName = keyof typeof scenarios;

/** Connections wrk keeps open. */
export const loadConnections = 64;

/**
 * The same for candidates that take milliseconds for a request. More would only queue, and what is queued when a
 * window ends would be worked off, and charged, in the next candidate's.
 */
export const slowConnections = 2;

const plain = ["zion", "before", "nginx", "haproxy", "caddy", ...nodeProxies] as const;
const inspecting = ["zion", "before", "nginx", "nginx-modsecurity", "apache-modsecurity"] as const;

const stored = ["zion", "before", "nginx"] as const;

export const scenarios = {
  get150: wrk("GET, 150 B answer, keep-alive", getSmall),
  post1k: wrk("POST 1,024 B JSON, keep-alive", postSmall),
  get10k: wrk("GET, 10 kB answer, keep-alive", getLarge),
  "tls-get": { ...wrk("GET, 150 B answer over TLS 1.3, keep-alive", getSmall), tls: true },
  "tls-get1m": { ...wrk("GET, 1 MB answer over TLS 1.3, keep-alive", getHuge), tls: true },
  "tls-upstream": {
    ...wrk("GET, 150 B answer from an upstream over TLS 1.3, keep-alive", getSmall),
    candidates: ["zion", "before", "nginx"],
    backend: "encrypted",
  },
  "conn-per-request": { ...wrk("GET, 150 B answer, a connection per request", getSmall), close: true },
  "full-handshake": {
    ...wrk("TLS 1.3 full handshake + GET + close, one at a time", getSmall),
    kind: "handshake",
    tls: true,
    close: true,
  },
  "resumed-handshake": {
    ...wrk("TLS 1.3 handshake with a ticket + GET + close, one at a time", getSmall),
    kind: "resumption",
    tls: true,
    close: true,
  },
  "h2-get": h2("HTTP/2 over TLS 1.3: GET, 150 B answer", getSmall),
  "h2-post1k": h2("HTTP/2 over TLS 1.3: POST 1,024 B JSON", postSmall),
  "h2-get1m": h2("HTTP/2 over TLS 1.3: GET, 1 MB answer", getHuge),
  "h2-upload-10mb": {
    ...h2("HTTP/2 over TLS 1.3: POST 10 MB JSON, two at a time", getSmall),
    candidates: ["zion", "before", "nginx"],
    get traffic() {
      return uploadTraffic();
    },
  },
  "grpc-unary": {
    ...h2("gRPC unary calls, 100 B each way, to a service over HTTP/2", grpcUnary),
    candidates: ["zion", "before", "nginx"],
    backend: "grpc",
  },
  "sse-fan-out": fanOut("events of 100 B to 200 event streams", eventStream),
  "websocket-fan-out": fanOut("messages of 100 B to 200 WebSockets", webSocket),
  "idle-tls": { ...wrk("idle TLS connections after one GET each", getSmall), kind: "idle", tls: true },
  "cache-hit": {
    ...wrk("GET, 150 B answer from memory, keep-alive", unhurried(getSmall)),
    candidates: stored,
    backend: "cached",
  },
  "cache-hit10k": {
    ...wrk("GET, 10 kB answer from memory, keep-alive", unhurried(getLarge)),
    candidates: stored,
    backend: "cached",
  },
  gzip10k: {
    ...wrk("GET, 10 kB of HTML that the proxy compresses by gzip, keep-alive", gzipped(getLarge)),
    candidates: stored,
    backend: "compressed",
  },
  "file-1k": files("a file of 1,000 B, keep-alive", getSmallFile),
  "file-1m": files("a file of 1 MB, keep-alive", getLargeFile),
  "waf-get": waf("WAF on: GET, 150 B answer, 3 parameters, keep-alive", wafGet),
  "waf-post-json": waf("WAF on: POST 1,024 B JSON, 20 values, keep-alive", wafPostJson),
  "waf-post-form": waf("WAF on: POST 1,024 B form, 20 values, keep-alive", wafPostForm),
  "waf-upload-10mb": {
    ...wrk("WAF on: POST 10 MB JSON, one at a time", getSmall),
    // ModSecurity refuses it: its shipped limit for a body that is not a file is 128 kB.
    candidates: ["zion", "before", "nginx"],
    kind: "upload",
    waf: true,
    get traffic() {
      return uploadTraffic();
    },
  },
} as const satisfies Record<string, Scenario>;

function wrk(title: string, traffic: Traffic): Scenario & { readonly kind: "wrk" } {
  return {
    title,
    kind: "wrk",
    backend: "origin",
    candidates: plain,
    traffic,
    waf: false,
    tls: false,
    close: false,
  };
}

/** Without the `max-age=0` of a reload, for which a cache has to ask again. */
function unhurried(traffic: Traffic): Traffic {
  return { ...traffic, fields: traffic.fields.filter(([name]) => name !== "Cache-Control") };
}

/** From a client that knows gzip only. What it gets is shorter than the page, by how much is the compressor's to say. */
function gzipped(traffic: Traffic): Traffic {
  return {
    ...traffic,
    answerBytes: 500,
    fields: traffic.fields.map(([name, value]) => [name, name === "Accept-Encoding" ? "gzip" : value]),
  };
}

function h2(title: string, traffic: Traffic): Scenario {
  return { ...wrk(title, traffic), kind: "h2load", tls: true };
}

function fanOut(title: string, traffic: Traffic): Scenario {
  return { ...wrk(title, traffic), kind: "fan-out", backend: "events" };
}

function files(title: string, traffic: Traffic): Scenario {
  return { ...wrk(title, traffic), candidates: ["zion", "before", "nginx"], backend: "files" };
}

function waf(title: string, traffic: Traffic): Scenario {
  return { ...wrk(title, traffic), candidates: inspecting, waf: true };
}
