import assert from "node:assert/strict";
import { test } from "node:test";
import { type Gateway, startGateway, startUpstream } from "../control/gateway.ts";
import { sendRandom } from "../support/random-traffic.ts";

// Nothing that a client chooses becomes a series: the number of them is a matter of configuration.

const full = process.env["ZION_FULL"] === "1";
/** The full form is the bar: 100,000 hosts and paths. */
const requests = full ? 100_000 : 3000;
/** Enough for every ending that this traffic has; rare ones come last. */
const before = full ? 5000 : 2000;

/** Closed lists of which something comes up for the first time: a rule that fires, a table that is full, the scrape. */
const firstTime =
  /^zion_(?:rule_matches_total|gate_decisions_total|\w+_evictions_total|admin_requests_total)\b/;

/** Names with their labels. What only time makes, such as collections of garbage by kind, is left out. */
async function seriesOf({ get, telemetryPort }: Gateway): Promise<Set<string>> {
  const { body } = await get("/metrics", telemetryPort);
  const lines = body.split("\n").filter((line) => line !== "" && !/^#|^nodejs_/.test(line));
  return new Set(lines.map((line) => line.slice(0, line.lastIndexOf(" "))));
}

test(`${requests} random hosts and paths add no series`, { timeout: 600_000 }, async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { toml: toml(upstream.port) });
  await sendRandom(gateway.port, before);
  const known = await seriesOf(gateway);
  const { sent, answered } = await sendRandom(gateway.port, requests);
  assert.ok(answered > sent / 2, `${answered} of ${sent}`);
  const after = await seriesOf(gateway);
  assert.deepEqual(
    [...after].filter((series) => !known.has(series) && !firstTime.test(series)),
    [],
  );
  assert.ok(after.size < 2000, `${after.size} series`);
  for (const series of after) assert.doesNotMatch(series, /rnd7/i);
});

function toml(upstreamPort: number): string {
  const route = (path: string, more: string): string =>
    `[[route]]\npath = "${path}"\nupstream = "app"\n${more}\n`;
  return `[server]
listen_http = "127.0.0.1:0"
workers = 2
max_connections_per_ip = 0
[access_log]
enabled = false
[telemetry]
listen = "127.0.0.1:0"
[admin]
listen = "off"
[upstream.app]
url = "http://127.0.0.1:${upstreamPort}"
[limit.each]
key = ["header:x-request-id"]
rate = 5
window_secs = 60
${route("/{*rest}", 'limits = ["each"]')}${route("/x/{id}", 'methods = ["GET"]')}${route("/open/{*rest}", "waf = false")}`;
}
