import type { ConnectionCaps } from "../listener/connection-caps.ts";
import type { HandshakeRate } from "../listener/handshake-rate.ts";
import type { Listener } from "../listener/listener.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import type { FileShelf } from "../respond/static/file-shelf.ts";
import type { State } from "../state.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { auditSamples } from "./audit-build.ts";
import { cacheSamples } from "./cache-samples.ts";
import { compressionSamples } from "./compression-build.ts";
import { inspectionSamples } from "./inspection-build.ts";
import { readLimits } from "./limit-samples.ts";
import { staticSamples } from "./static-build.ts";
import { upstreamSamples } from "./upstream-samples.ts";

/** What of a worker is counted beside its state. */
export interface WorkerParts {
  readonly state: State;
  readonly files: FileShelf;
  readonly listeners: { readonly http: Listener; readonly https: Listener };
  readonly caps: ConnectionCaps;
  readonly handshakes: HandshakeRate;
  readonly upstreams: Iterable<Upstream>;
  /** Of the event loop. */
  readonly loop: () => readonly MetricSample[];
}

/** All series of a worker as they stand, for one scrape. */
export function workerSamples({
  state,
  files,
  listeners,
  caps,
  handshakes,
  upstreams,
  loop,
}: WorkerParts): MetricSample[] {
  const { counters, audit, accessLog, mesh, tarpit, spans, decisions, captures, pressure, waf } = state;
  const samples = counters.read();
  const add = (family: { readonly name: string }, value: number, ...labels: readonly string[]): void => {
    samples.push({ name: family.name, labels, value });
  };
  for (const { name, connections, http2Count } of [listeners.http, listeners.https]) {
    add(families.connections, connections.size, name);
    add(families.http2Connections, http2Count, name);
  }
  add(families.connectionsRejected, caps.rejectedTotal, "conn_cap");
  add(families.connectionsRejected, caps.rejectedPerGroup, "conn_cap_address");
  add(families.connectionsRejected, handshakes.refused, "handshake_rate");
  if (accessLog !== undefined) {
    add(families.logDropped, accessLog.linesDropped);
    add(families.queueDropped, accessLog.linesDropped, "access_log");
    add(families.logLines, accessLog.linesWritten);
    add(families.logSampledOut, accessLog.linesSampledOut);
  }
  add(families.meshLookups, mesh.lookups);
  add(families.tarpitHeld, tarpit.held);
  add(families.tarpitTotal, tarpit.total);
  add(families.tarpitShed, tarpit.shed);
  add(families.queueDropped, spans.dropped, "spans");
  add(families.queueDropped, decisions.dropped, "decisions");
  add(families.queueDropped, captures.dropped, "captures");
  add(families.queueDropped, audit?.feed.dropped ?? 0, "audit");
  add(families.captured, captures.kept);
  add(families.overload, pressure.shed, "work");
  add(families.overload, pressure.level, "memory");
  add(families.heldBytes, waf.store.usedBytes);
  add(families.inspectionsWaiting, waf.turns.waiting);
  add(families.bodyOverloads, waf.store.overloads);
  samples.push(
    ...auditSamples(audit),
    ...readLimits(state.limits),
    ...cacheSamples(state.cache),
    ...compressionSamples(state.compression),
    ...inspectionSamples(state.inspection),
    ...staticSamples(files),
    ...upstreamSamples(upstreams, state.clock.nowMs()),
    ...loop(),
  );
  return samples;
}
