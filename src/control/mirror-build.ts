import type { RouteConfig } from "../config/config.ts";
import { prepareEdits } from "../http/field-edit.ts";
import type { HopFacts } from "../http/print-request.ts";
import { type MethodName, methodNames } from "../http/request.ts";
import type { RouteCounts } from "../record/route-counts.ts";
import type { UpstreamDeps } from "../upstream/endpoint.ts";
import type { MirrorRule } from "../upstream/mirror.ts";
import type { Upstream } from "../upstream/upstream.ts";

interface MirrorDeps {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly upstreamDeps: UpstreamDeps;
  readonly hop: HopFacts;
  readonly counts: RouteCounts;
}

/** Undefined: no request of the route is copied. */
export function buildMirror(
  { name, mode, mirror, mergeSlashes }: Pick<RouteConfig, "name" | "mode" | "mirror" | "mergeSlashes">,
  { upstreams, upstreamDeps: deps, hop, counts }: MirrorDeps,
): MirrorRule | undefined {
  // Explanations send nothing, and a stream has no end.
  const isSent = deps.standIn === undefined && mode !== "sse_stream";
  if (mirror === undefined || mirror.percent === 0 || !isSent) return undefined;
  const upstream = upstreams.get(mirror.upstream);
  if (upstream === undefined) throw new Error(`route "${name}": no upstream "${mirror.upstream}"`);
  const { percent, methods, bodyBytesMax, maxInFlight, timeoutMs, remove } = mirror;
  return {
    upstream,
    percent,
    methods: methods.reduce((bits, method) => bits | (1 << methodNames.indexOf(method as MethodName)), 0),
    bodyBytesMax,
    inFlightMax: maxInFlight,
    timeoutMs,
    edits: remove.length === 0 ? undefined : prepareEdits(remove, []),
    mergeSlashes,
    hop,
    deps,
    counts: counts.mirror,
  };
}
