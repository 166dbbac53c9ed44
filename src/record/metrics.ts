import { cacheFamilies } from "./cache-metrics.ts";
import { meshFamilies } from "./mesh-metrics.ts";

/**
 * Every metric of the data plane, declared once. Workers count in typed arrays (record/counters.ts) and hand over
 * samples at a scrape; the primary adds workers up and prints them (control/exposition.ts).
 */
export interface MetricFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Label names; values come only from configuration names and closed lists, never from clients. */
  readonly labels: readonly string[];
  /** Upper bounds in the family's unit, for histograms; +Inf is implied. */
  readonly buckets?: readonly number[];
}

export interface MetricSample {
  /** `MetricFamily.name`. */
  readonly name: string;
  /** In the order of `MetricFamily.labels`. */
  readonly labels: readonly string[];
  /** Counter or gauge value; for histograms the sum of observations. */
  readonly value: number;
  /** Histograms: observations per bucket, not cumulative, the last one is +Inf. */
  readonly counts?: readonly number[];
}

const shortSeconds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05];
const handshakeSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export const families = {
  ...cacheFamilies,
  ...meshFamilies,
  requests: family("zion_http_requests_total", "counter", "Exchanges ended.", [
    "route",
    "code_class",
    "decision",
  ]),
  methods: family("zion_http_methods_total", "counter", "Exchanges ended, by method.", ["method"]),
  duration: family(
    "zion_http_request_duration_seconds",
    "histogram",
    "From request head to the end of the answer.",
    ["route"],
    seconds,
  ),
  gates: family(
    "zion_gates_duration_seconds",
    "histogram",
    "From request head to the end of the last gate, waiting for a body that must be inspected first included.",
    ["route"],
    shortSeconds,
  ),
  upstreamDuration: family(
    "zion_upstream_request_duration_seconds",
    "histogram",
    "From sending a request head to the upstream's answer head.",
    ["route"],
    seconds,
  ),
  rejects: family("zion_reject_total", "counter", "Refusals by reason.", ["stage", "reason"]),
  gateDecisions: family(
    "zion_gate_decisions_total",
    "counter",
    "Refusals and errors by gate or stage; for the WAF the reason is a rule's class. `shadow`: let through.",
    ["route", "gate", "reason", "mode"],
  ),
  ruleMatches: family("zion_rule_matches_total", "counter", "Requests in which a rule fired.", ["rule"]),
  limitDecisions: family(
    "zion_ratelimit_decisions_total",
    "counter",
    "Requests that a limit judged: `allow`, `limited`, `shadow` (let through, and over the limit), `undecided` (whoever counts could not be asked).",
    ["limit", "result"],
  ),
  limitKeys: family("zion_ratelimit_keys", "gauge", "Keys that a limit remembers, in the worker with most.", [
    "limit",
  ]),
  limitEvictions: family(
    "zion_ratelimit_evictions_total",
    "counter",
    "Keys that a limit forgot because there were more than `max_keys`, all workers together.",
    ["limit"],
  ),
  limitUntold: family(
    "zion_ratelimit_untold_total",
    "counter",
    "Requests that a worker admitted without telling the others: too many keys between two exchanges.",
    ["limit"],
  ),
  limitStoreUp: family(
    "zion_ratelimit_store_up",
    "gauge",
    "1 when the store that counts limits for several machines is there.",
    [],
  ),
  limitStoreErrors: family(
    "zion_ratelimit_store_errors_total",
    "counter",
    "Times that the store of limits was lost or could not be reached.",
    [],
  ),
  routeInFlight: family("zion_route_in_flight", "gauge", "Exchanges under way, streams among them.", [
    "route",
  ]),
  heldBytes: family("zion_waf_held_bytes", "gauge", "Memory of bodies that wait for inspection.", []),
  inspectionsWaiting: family(
    "zion_waf_inspections_waiting",
    "gauge",
    "Bodies that wait for their turn to be inspected.",
    [],
  ),
  bodyOverloads: family(
    "zion_waf_overloads_total",
    "counter",
    "Bodies for which there was no memory within 5 s.",
    [],
  ),
  overload: family(
    "zion_overload_level",
    "gauge",
    "Of the worker that is worst off: `work` says how many kinds of requests it turns away (large bodies, small ones, all else), `memory` is 1 (connections are not kept), 2 (no bodies) or 3 (nothing).",
    ["of"],
  ),
  connections: family("zion_connections", "gauge", "Open client connections.", ["listener"]),
  connectionsTotal: family("zion_connections_total", "counter", "Client connections accepted.", ["listener"]),
  connectionsRejected: family(
    "zion_connections_rejected_total",
    "counter",
    "Client connections closed by a cap.",
    ["reason"],
  ),
  handshakes: family("zion_tls_handshakes_total", "counter", "TLS handshakes.", ["result", "version"]),
  tlsGroups: family(
    "zion_tls_groups_total",
    "counter",
    "TLS handshakes that succeeded, by the group that the keys were agreed on with: `X25519MLKEM768` is post-quantum.",
    ["group"],
  ),
  handshakeDuration: family(
    "zion_tls_handshake_duration_seconds",
    "histogram",
    "From accepting a connection to the end of its handshake.",
    [],
    handshakeSeconds,
  ),
  handshakeAttempts: family(
    "zion_handshake_attempts_total",
    "counter",
    "TLS handshakes begun, those that a limit ended before a byte was read among them.",
    [],
  ),
  handshakesLimited: family(
    "zion_handshake_ratelimited_total",
    "counter",
    "TLS handshakes that `handshake_rate_per_ip` ended before a byte was read.",
    [],
  ),
  handshakeFailures: family("zion_tls_handshake_failures_total", "counter", "TLS handshakes that failed.", [
    "reason",
  ]),
  authFailures: family(
    "zion_auth_failures_total",
    "counter",
    "Requests without the identity that their route or the admin listener asks for.",
    ["reason"],
  ),
  ioTimeouts: family("zion_io_timeouts_total", "counter", "Time-outs by what was waited for.", ["op"]),
  queueDropped: family(
    "zion_queue_dropped_total",
    "counter",
    "What was dropped because a queue was full: `access_log` lines, `audit` events, `captures`, `decisions`, `spans`, `events` of the admin listener.",
    ["queue"],
  ),
  captured: family("zion_captured_requests_total", "counter", "Requests that were kept for replays.", []),
  requestBytes: family("zion_request_bytes_total", "counter", "Request body bytes forwarded.", []),
  responseBytes: family("zion_response_bytes_total", "counter", "Response body bytes sent.", []),
  upstreamRequests: family("zion_upstream_requests_total", "counter", "Attempts answered by upstreams.", [
    "upstream",
    "code_class",
  ]),
  upstreamErrors: family("zion_upstream_errors_total", "counter", "Attempts that failed.", [
    "upstream",
    "reason",
  ]),
  upstreamRetries: family("zion_upstream_retries_total", "counter", "Attempts after the first.", [
    "upstream",
  ]),
  upstreamConnections: family("zion_upstream_connections", "gauge", "Open upstream connections.", [
    "upstream",
  ]),
  upstreamInFlight: family(
    "zion_upstream_in_flight",
    "gauge",
    "Exchanges that wait for an upstream or have its answer under way: also HTTP/2 streams, many to a connection.",
    ["upstream"],
  ),
  upstreamUp: family("zion_upstream_up", "gauge", "1 when the endpoint may be chosen.", [
    "upstream",
    "endpoint",
  ]),
  upstreamEjected: family(
    "zion_upstream_ejected",
    "gauge",
    "Workers that keep the endpoint out because of what requests met there.",
    ["upstream", "endpoint"],
  ),
  upstreamEjections: family(
    "zion_upstream_ejections_total",
    "counter",
    "Ejections of endpoints, repeated ones included.",
    ["upstream"],
  ),
  upstreamLatency: family(
    "zion_upstream_peak_ewma_seconds",
    "gauge",
    "Latency that balancing reckons with: rises at once, halves every 5 s; of the worker with the highest.",
    ["upstream", "endpoint"],
  ),
  upstreamFailovers: family(
    "zion_upstream_failovers_total",
    "counter",
    "Retries at another endpoint than the one that failed.",
    ["upstream"],
  ),
  upstreamOpened: family(
    "zion_upstream_connections_opened_total",
    "counter",
    "Connections to an upstream that were begun.",
    ["upstream"],
  ),
  upstreamSticky: family(
    "zion_upstream_sticky_total",
    "counter",
    "Requests to an upstream with sticky sessions: `hit` (the member of their cookie answered), `none` (no cookie), `moved` (another member answered), `expired`, `refused` (the cookie is not ours).",
    ["upstream", "result"],
  ),
  circuitOpen: family(
    "zion_upstream_circuit_open",
    "gauge",
    "Workers in which the circuit breaker is open, or lets one request try.",
    ["upstream"],
  ),
  circuitTrips: family(
    "zion_upstream_circuit_trips_total",
    "counter",
    "Times that a circuit breaker opened.",
    ["upstream"],
  ),
  circuitRejected: family(
    "zion_upstream_circuit_rejected_total",
    "counter",
    "Requests that an open circuit breaker refused.",
    ["upstream"],
  ),
  bulkheadLimit: family(
    "zion_bulkhead_limit",
    "gauge",
    "Exchanges that an upstream may have under way (`max_in_flight`), all workers together.",
    ["upstream"],
  ),
  bulkheadShed: family(
    "zion_bulkhead_shed_total",
    "counter",
    "Requests refused because an upstream had as many under way as it may.",
    ["upstream"],
  ),
  loopUtilization: family(
    "zion_event_loop_utilization_ratio",
    "gauge",
    "Share of the time that a worker's event loop was busy, since it last told.",
    ["worker"],
  ),
  workerMemory: family(
    "zion_worker_resident_memory_bytes",
    "gauge",
    "Resident memory of a worker's process.",
    ["worker"],
  ),
  scrubbed: family("zion_fields_scrubbed_total", "counter", "Client fields removed by name class.", ["kind"]),
  tracesInvalid: family("zion_traces_invalid_total", "counter", "Malformed traceparents replaced.", []),
  xffMalformed: family(
    "zion_xff_malformed_total",
    "counter",
    "Forwarding chains of trusted proxies that could not be read.",
    [],
  ),
  defects: family("zion_defects_total", "counter", "Bugs of the gateway that ended one connection.", []),
  loops: family("zion_loops_detected_total", "counter", "Requests that had passed this gateway before.", []),
  logDropped: family(
    "zion_log_dropped_total",
    "counter",
    "Access log lines dropped because the sink was slow.",
    [],
  ),
  http2Connections: family("zion_h2_connections", "gauge", "Open HTTP/2 client connections.", ["listener"]),
  http2Floods: family(
    "zion_h2_control_flood_closed_total",
    "counter",
    "HTTP/2 connections closed because they made work without purpose.",
    ["reason"],
  ),
  http2FramesPeak: family(
    "zion_h2_control_frames_peak",
    "gauge",
    "Most frames without a message's content in one second on one HTTP/2 connection.",
    [],
  ),
  intercepted: family(
    "zion_intercepted_answers_total",
    "counter",
    "Answers of the upstream in place of which clients got an error page, because the route says so.",
    ["route"],
  ),
  mirrored: family(
    "zion_mirror_requests_total",
    "counter",
    "Copies for `[route.mirror]`: `answered`, `cut` (the answer was longer than 1 MiB), `failed`, `timeout`; not sent: `full` (as many under way as may be), `too_large` (the body), `unsent` (the request was refused, or its client left).",
    ["route", "result"],
  ),
  mirrorInFlight: family("zion_mirror_in_flight", "gauge", "Copies for `[route.mirror]` under way.", [
    "route",
  ]),
  webSocketUpgrades: family(
    "zion_websocket_upgrades_total",
    "counter",
    "Upgrade requests: `switched`, `declined` by the upstream, `refused` by us, `ignored` where the route serves no WebSocket.",
    ["route", "result"],
  ),
  webSockets: family("zion_websocket_connections", "gauge", "Open WebSockets.", ["route"]),
  webSocketMessages: family(
    "zion_websocket_messages_total",
    "counter",
    "Messages of clients that `websocket_inspect` looked at.",
    ["route"],
  ),
  webSocketBytes: family(
    "zion_websocket_bytes_total",
    "counter",
    "Bytes through WebSockets, frame heads included.",
    ["route", "to"],
  ),
  eventStreams: family(
    "zion_event_streams",
    "gauge",
    'Open event streams, and waiting requests of routes with `mode = "sse_stream"`.',
    ["route"],
  ),
  eventStreamsTotal: family("zion_event_streams_total", "counter", "Event streams begun.", ["route"]),
  expectContinue: family("zion_expect_continue_total", "counter", "100 Continue answers sent.", []),
  listMatches: family("zion_list_matches_total", "counter", "Requests whose client was on a list.", ["list"]),
  originClasses: family(
    "zion_origin_class_requests_total",
    "counter",
    "Requests by the class of network that their client comes from.",
    ["class"],
  ),
  compressedAnswers: family("zion_compression_answers_total", "counter", "Answers that were compressed.", [
    "coding",
  ]),
  compressionBytes: family(
    "zion_compression_bytes_total",
    "counter",
    "Body bytes of compressed answers, as the upstream sent them (`in`) and as the client got them (`out`).",
    ["coding", "direction"],
  ),
  compressionSkipped: family(
    "zion_compression_skipped_total",
    "counter",
    "Answers of routes that compress that were sent as they are: `accept` (the client takes no coding), `status`, `type`, `small`, `coded` (by the upstream), `no_transform`, `stream`, `breach` (the guard), `memory`.",
    ["reason"],
  ),
  compressionMemory: family(
    "zion_compression_memory_bytes",
    "gauge",
    "What bodies and compressors take now, of `memory_mb`.",
    [],
  ),
  answersInspected: family(
    "zion_answer_inspections_total",
    "counter",
    "Answers that were looked at: `clean`, `reported`, `masked`, `blocked`.",
    ["result"],
  ),
  answersUninspected: family(
    "zion_answer_uninspected_total",
    "counter",
    "Answers that were not looked at as they should: `coded` (the upstream compressed it, unasked), `candidates` (too many places to look at), `memory` (nothing was held, so nothing could be blocked).",
    ["reason"],
  ),
  answerHeldBytes: family(
    "zion_answer_held_bytes",
    "gauge",
    "Room for the beginnings of answers that are held until they are looked at.",
    [],
  ),
  tarpitHeld: family("zion_tarpit_held", "gauge", "Refusals that the tarpit holds back now.", []),
  tarpitTotal: family("zion_tarpit_total", "counter", "Refusals that went through the tarpit.", []),
  tarpitShed: family(
    "zion_tarpit_shed_total",
    "counter",
    "Refusals that the tarpit had no place for: given at once.",
    [],
  ),
  proxyHeaders: family(
    "zion_proxy_headers_total",
    "counter",
    "PROXY headers of `proxy_protocol` peers: `v1`, `v2`, `refused`.",
    ["result"],
  ),
  preflights: family("zion_cors_preflights_total", "counter", "CORS preflights answered.", []),
  auditWriterUp: family("zion_audit_writer_up", "gauge", "1 while the audit writer records.", []),
  auditEvents: family("zion_audit_events_total", "counter", "Events that the audit writer took.", []),
  auditDropped: family(
    "zion_audit_events_dropped_total",
    "counter",
    "Events that had no place in the queue to the audit writer; the log says which.",
    [],
  ),
  auditQueue: family("zion_audit_queue_depth", "gauge", "Events that are not durable yet.", []),
  auditTreeSize: family(
    "zion_audit_tree_size",
    "gauge",
    "Durable records of the audit log. Never falls.",
    [],
  ),
  auditCheckpointSize: family(
    "zion_audit_checkpoint_size",
    "gauge",
    "Records that the newest signed checkpoint covers.",
    [],
  ),
  auditAnchored: family(
    "zion_audit_anchor_timestamp_seconds",
    "gauge",
    "When an anchor file or a witness last took a checkpoint; 0 = never.",
    [],
  ),
  auditAnchorFailures: family(
    "zion_audit_anchor_failures_total",
    "counter",
    "Checkpoints that an anchor file or a witness did not take.",
    [],
  ),
  auditVerified: family(
    "zion_audit_last_verified_timestamp_seconds",
    "gauge",
    "When the newest two segments were last read again and found sound.",
    [],
  ),
  auditIntegrityFailed: family(
    "zion_audit_integrity_failed_total",
    "counter",
    "Times that the log was not what was written.",
    [],
  ),
  staticOpen: family(
    "zion_static_open_files",
    "gauge",
    'Files of routes with mode = "static" that are being read.',
    [],
  ),
  staticMemory: family(
    "zion_static_memory_bytes",
    "gauge",
    "Memory of files that are kept, and of what is known of others, all workers together.",
    [],
  ),
  staticLookups: family(
    "zion_static_lookups_total",
    "counter",
    "Paths that were looked for: known from `memory`, for at most a second, or asked of the `disk`.",
    ["from"],
  ),
  staticEvictions: family(
    "zion_static_evictions_total",
    "counter",
    "Files forgotten to make room for others.",
    [],
  ),
  logLines: family("zion_log_lines_total", "counter", "Access log lines written.", []),
  logSampledOut: family(
    "zion_log_sampled_out_total",
    "counter",
    "Exchanges that got no access log line because of [[access_log.sample]].",
    [],
  ),
} as const satisfies Record<string, MetricFamily>;

function family(
  name: string,
  type: MetricFamily["type"],
  help: string,
  labels: readonly string[],
  buckets?: readonly number[],
): MetricFamily {
  return buckets === undefined ? { name, type, help, labels } : { name, type, help, labels, buckets };
}
