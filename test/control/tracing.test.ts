import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { startCollector } from "../support/collector.ts";
import { type Origin, startOrigin } from "../support/origin.ts";
import { request, startGateway, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "needs /proc" };
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const clientSpan = "00f067aa0ba902b7";

function config(upstreamPort: number, endpoint: string, more = ""): string {
  return `
[server]
listen_http = "127.0.0.1:0"
http_mode = "serve"
workers = 2
${more}
[telemetry]
listen = "127.0.0.1:0"
[admin]
listen = "off"
[access_log]
enabled = false
[tracing]
endpoint = "${endpoint}"
sample = 0
[upstream.app]
url = "http://127.0.0.1:${upstreamPort}"
[[route]]
name = "shop"
path = "/{*rest}"
upstream = "app"
`;
}

test(
  "a trace that a trusted proxy chose goes through the gateway, and its spans to the collector",
  onLinux,
  async (t) => {
    const origin = await startOrigin();
    t.after(() => origin.close());
    const collector = await startCollector(t);
    const toml = config(origin.port, collector.url, 'trusted_proxies = ["127.0.0.1/32"]');
    const gateway = await startGateway(t, { toml });
    const before = BigInt(Date.now()) * 1_000_000n;
    const answer = await ask(gateway.port, "/a/b?password=secret", `00-${traceId}-${clientSpan}-01`);
    assert.equal(answer, 200);
    const server = await collector.span((span) => span.kind === 2);
    const client = await collector.span((span) => span.kind === 3);
    assert.deepEqual(
      [server.service, server.traceId, server.parentId, server.name, server.status],
      ["zion", traceId, clientSpan, "GET shop", 0],
    );
    assert.equal(server.attributes["url.path"], "/a/b");
    assert.equal(server.attributes["http.response.status_code"], 200);
    assert.ok(server.startNs >= before - 1_000_000_000n && server.endNs >= server.startNs);
    assert.deepEqual([client.traceId, client.parentId], [traceId, server.spanId]);
    assert.equal(client.attributes["url.full"], `http://127.0.0.1:${origin.port}`);
    // The application's own span hangs below the gateway's.
    assert.match(tracedHead(origin), new RegExp(`traceparent: 00-${traceId}-${server.spanId}-01`, "i"));
    assert.ok(
      !JSON.stringify(collector.spans, (_, v) => (typeof v === "bigint" ? String(v) : v)).includes("secret"),
    );
  },
);

test("whoever is not trusted cannot have his requests reported; refusals are", onLinux, async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const collector = await startCollector(t);
  const gateway = await startGateway(t, { toml: config(origin.port, collector.url) });
  assert.equal(await ask(gateway.port, "/fine", `00-${traceId}-${clientSpan}-01`), 200);
  assert.match(tracedHead(origin), new RegExp(`traceparent: 00-${traceId}-[0-9a-f]{16}-00`, "i"));
  assert.equal(await ask(gateway.port, "/?q=%27%20or%201%3D1--%20-", ""), 400);
  const refused = await collector.span((span) => span.attributes["zion.decision"] === "deny");
  assert.equal(refused.attributes["zion.waf.gate"], "patterns");
  assert.deepEqual(
    collector.spans.filter(({ attributes }) => attributes["url.path"] === "/fine"),
    [],
  );
});

test("spans obey [redact]: an address leaves the machine as short as the log has it", onLinux, async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const collector = await startCollector(t);
  const toml = `${config(origin.port, collector.url).replace("sample = 0", "sample = 1")}[redact]\nip = "truncate"\n`;
  const gateway = await startGateway(t, { toml });
  assert.equal(await ask(gateway.port, "/", ""), 200);
  const { attributes } = await collector.span((span) => span.kind === 2);
  assert.deepEqual(
    [attributes["client.address"], attributes["network.peer.address"]],
    ["127.0.0.0/24", "127.0.0.0/24"],
  );
});

test("a collector that refuses costs spans, which are counted, and no request", onLinux, async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const collector = await startCollector(t);
  collector.status = 413;
  const toml = config(origin.port, collector.url).replace("sample = 0", "sample = 1");
  const gateway = await startGateway(t, { toml });
  for (let i = 0; i < 20; i++) assert.equal(await ask(gateway.port, "/", ""), 200);
  await until("all spans are counted as dropped", async () => {
    const { body } = await request(gateway.telemetryPort, "/metrics");
    return Number(/^zion_traces_emitted_total\{result="dropped"\} (\d+)$/m.exec(body)?.[1]) >= 40;
  });
});

function ask(port: number, path: string, traceparent: string): Promise<number> {
  const headers = traceparent === "" ? {} : { traceparent };
  return new Promise((resolve, reject) => {
    http
      .get({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      })
      .on("error", reject);
  });
}

/** Of the first request that is no health probe. */
function tracedHead(origin: Origin): string {
  return origin.requests.find(({ head }) => /^traceparent:/im.test(head))?.head ?? "";
}
