import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { families } from "../../src/record/metrics.ts";
import { openExposition } from "../support/exposition.ts";

const requests = (value: number, route = "app") => ({
  name: families.requests.name,
  labels: [route, "2xx", "allow"],
  value,
});
const open = (value: number) => ({ name: families.connections.name, labels: ["https"], value });
const up = (value: number, endpoint = "http://a") => ({
  name: families.upstreamUp.name,
  labels: ["app", endpoint],
  value,
});

/** Lines of one metric. */
async function lines(exposition: ReturnType<typeof openExposition>, name: string): Promise<string[]> {
  return (await exposition.print("text")).split("\n").filter((line) => line.startsWith(name));
}
const total = 'zion_http_requests_total{route="app",code_class="2xx",decision="allow"}';

test("counters of all workers add up", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [requests(3)]);
  exposition.absorb(2, [requests(4)]);
  exposition.absorb(1, [requests(5)]);
  assert.deepEqual(await lines(exposition, "zion_http_requests_total"), [`${total} 9`]);
});

test("a total does not go down when a worker dies and its replacement counts from 0", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [requests(100)]);
  exposition.forget(1);
  exposition.absorb(2, [requests(1)]);
  assert.deepEqual(await lines(exposition, "zion_http_requests_total"), [`${total} 101`]);
});

test("a total does not go down when a reload replaces what counts", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [requests(100)]);
  exposition.absorb(1, [requests(2)]);
  assert.deepEqual(await lines(exposition, "zion_http_requests_total"), [`${total} 102`]);
});

test("gauges are those of the workers that live: connections add up, an endpoint is up if any may use it", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [open(10), up(0)]);
  exposition.absorb(2, [open(5), up(1)]);
  assert.deepEqual(await lines(exposition, "zion_connections{"), ['zion_connections{listener="https"} 15']);
  assert.deepEqual(await lines(exposition, "zion_upstream_up{"), [
    'zion_upstream_up{upstream="app",endpoint="http://a"} 1',
  ]);
  exposition.forget(2);
  assert.deepEqual(await lines(exposition, "zion_connections{"), ['zion_connections{listener="https"} 10']);
});

test("an endpoint that a reload removed is not printed any more", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [up(1, "http://old")]);
  exposition.absorb(1, [up(1, "http://new")]);
  const printed = await lines(exposition, "zion_upstream_up{");
  assert.deepEqual(printed, ['zion_upstream_up{upstream="app",endpoint="http://new"} 1']);
});

test("histograms are printed cumulative, with sum and count", async () => {
  const exposition = openExposition();
  const counts = Array.from({ length: families.duration.buckets!.length + 1 }, () => 0);
  counts[0] = 2;
  counts[2] = 1;
  counts[counts.length - 1] = 1;
  exposition.absorb(1, [{ name: families.duration.name, labels: ["app"], value: 1.5, counts }]);
  exposition.absorb(2, [{ name: families.duration.name, labels: ["app"], value: 0.5, counts }]);
  const printed = await lines(exposition, families.duration.name);
  const value = (suffix: string) =>
    printed
      .find((line) => line.includes(suffix))
      ?.split(" ")
      .at(-1);
  assert.equal(value('le="0.005"'), "4");
  assert.equal(value('le="0.025"'), "6");
  assert.equal(value('le="10"'), "6");
  assert.equal(value('le="+Inf"'), "8");
  assert.equal(value("_sum"), "2");
  assert.equal(value("_count"), "8");
});

test("a sample of an unknown family is not printed", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [{ name: "zion_surprise_total", labels: [], value: 1 }]);
  assert.deepEqual(await lines(exposition, "zion_surprise"), []);
});

test("label values are escaped", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [requests(1, 'a"b\\c\nd')]);
  const [line] = await lines(exposition, "zion_http_requests_total{");
  assert.ok(line!.includes('route="a\\"b\\\\c\\nd"'), line);
});

test("a frame without names goes on from the one before; new names begin at what was sent", async () => {
  const exposition = openExposition();
  exposition.absorb(1, [requests(3, "a"), requests(5, "b")]);
  exposition.absorb(1, [requests(4, "a"), requests(6, "b")]);
  exposition.absorb(1, [requests(7, "b"), requests(2, "c"), requests(4, "a")]);
  exposition.absorb(1, [requests(8, "b"), requests(2, "c"), requests(9, "a")]);
  const printed = await lines(exposition, "zion_http_requests_total{");
  const values = printed.map((line) => `${/route="(\w)"/.exec(line)![1]} ${line.split(" ").at(-1)}`);
  assert.deepEqual(values.sort(), ["a 9", "b 8", "c 2"]);
});

test("OpenMetrics has its own names of counters, exemplars of reported traces, and an end", async () => {
  const exposition = openExposition();
  const counts = Array.from({ length: families.duration.buckets!.length + 1 }, (_, i) => (i === 2 ? 1 : 0));
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  exposition.absorb(
    1,
    [requests(3), { name: families.duration.name, labels: ["app"], value: 0.02, counts }],
    [{ route: "app", bucket: 2, value: 0.02, traceId, wallMs: 1_700_000_000_123 }],
  );
  const text = await exposition.print("openmetrics");
  assert.ok(text.endsWith("\n# EOF\n"));
  assert.match(text, /^# TYPE zion_http_requests counter$/m);
  assert.match(text, /^zion_http_requests_total\{route="app",code_class="2xx",decision="allow"\} 3$/m);
  assert.match(text, new RegExp(`le="0.025"\\} 1 # \\{trace_id="${traceId}"\\} 0.02 1700000000.123$`, "m"));
  assert.doesNotMatch(await exposition.print("text"), /trace_id|# EOF/);
});

const promtool = {
  skip: spawnSync("promtool", ["--version"]).status === 0 || process.env["CI"] ? false : "no promtool",
};

test("Prometheus' own tool finds no fault in the page", promtool, async () => {
  const exposition = openExposition();
  const counts = families.duration.buckets!.map(() => 1);
  exposition.absorb(1, [
    requests(3, 'a"b\\c\nd'),
    open(2),
    up(1),
    { name: families.duration.name, labels: ["app"], value: 0.02, counts: [...counts, 1] },
  ]);
  exposition.add("workerExits", ["SIGKILL"]);
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: await exposition.print("text"),
    encoding: "utf8",
  });
  // 3 = it read everything, and would name things otherwise.
  assert.ok(status === 0 || status === 3, `${status} ${stdout} ${stderr}`);
  assert.doesNotMatch(stderr, /error|zion_/i);
});

test("what operators look for first is there before anything has happened", async () => {
  const text = await openExposition().print("text");
  for (const series of [
    "zion_handshake_attempts_total",
    "zion_handshake_ratelimited_total",
    'zion_auth_failures_total{reason="auth_missing"}',
    'zion_queue_dropped_total{queue="access_log"}',
    'zion_io_timeouts_total{op="request_head"}',
    'zion_worker_restarts_total{cause="oom"}',
    "zion_panics_total",
    "zion_loops_detected_total",
    "zion_traces_invalid_total",
  ]) {
    assert.ok(text.includes(`\n${series} 0\n`), series);
  }
});

test("of what a label says there is one series", async () => {
  const exposition = openExposition();
  exposition.state("configInfo", ["a"]);
  exposition.state("configInfo", ["b"]);
  assert.deepEqual(await lines(exposition, "zion_config_info{"), ['zion_config_info{sha256="b"} 1']);
});
