import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Explanation } from "../../src/explain/explanation.ts";
import { type Gateway, request, startGateway, startUpstream, until } from "../control/gateway.ts";
import { adminLines, explainAt, said } from "./ask-gateway.ts";

// How full a limit is, as the gateway that runs says: by the keys that its workers count by, and without counting more.

const onLinux = { skip: process.platform === "linux" ? false : "needs reusePort" };

async function start(t: TestContext): Promise<Gateway> {
  const upstream = await startUpstream(t);
  const day = "window_secs = 86400";
  return startGateway(t, {
    toml: `[server]
listen_http = "127.0.0.1:0"
http_mode = "serve"
workers = 2
shutdown_delay_ms = 0
limits = ["others"]
[telemetry]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
${adminLines}[access_log]
enabled = false
[limit.others]
rate = 5
hosts = ["other.test"]
[limit.daily]
rate = 4
${day}
algorithm = "fixed_window"
key = ["header:x-tenant"]
[limit.burst]
rate = 2
burst = 9
${day}
[limit.logins]
rate = 7
${day}
strict = true
[limit.failures]
rate = 6
${day}
algorithm = "fixed_window"
count_statuses = [404]
[upstream.app]
url = "http://127.0.0.1:${upstream.port}"
health = { interval_ms = 0 }
[[route]]
path = "/{*rest}"
upstream = "app"
limits = ["daily", "burst", "logins", "failures"]
waf = false
`,
  });
}

const explain = (gateway: Gateway, tenant: string) => explainAt(gateway, { "X-Tenant": tenant });

async function explainedWhen(gateway: Gateway, fits: (it: Explanation) => boolean): Promise<Explanation> {
  let last: Explanation | undefined;
  await until("both workers know", async () => {
    last = await explain(gateway, "one");
    return fits(last);
  });
  return last!;
}

test(
  "explanations of a gateway that runs say how full a limit is, and refuse where it is used up",
  onLinux,
  async (t) => {
    const gateway = await start(t);
    const send = async (): Promise<number> =>
      (await request(gateway.port, "/", { headers: { Host: "a.test", "X-Tenant": "one" } })).status;
    for (let i = 0; i < 3; i++) assert.equal(await send(), 200);
    const routeLimits = (daily: number, burst: number): string =>
      `daily 4 in 86400 s per header:x-tenant (${daily} of 4 used in this window); ` +
      `burst 2 in 86400 s per address (${burst} of 9 used); ` +
      "failures 6 in 86400 s per address (0 of 6 used in this window)";
    // Workers tell each other within 50 ms.
    const one = await explainedWhen(gateway, (it) => said(it, "route_limits").includes("3 of 4 used"));
    assert.equal(said(one, "route_limits"), `ok: ${routeLimits(3, 3)}`);
    assert.equal(said(one, "strict_limits"), "ok: logins 7 in 86400 s per address (3 of 7 used)");
    assert.equal(said(one, "limits"), "ok: others 5 in 1 s per address (does not count it)");
    assert.equal(one.decision.decision, "allow");
    // Of another key; and of the other limits asking has spent nothing.
    assert.equal(said(await explain(gateway, "two"), "route_limits"), `ok: ${routeLimits(0, 3)}`);
    assert.equal(await send(), 200);
    const refused = await explainedWhen(gateway, ({ decision }) => decision.reason === "rate_limited");
    assert.equal(refused.decision.status, 429);
    assert.match(
      said(refused, "route_limits"),
      /^refused: rate_limited \(daily\): .* daily 4 in 86400 s per header:x-tenant \(4 of 4 used in this window\)/,
    );
    assert.equal(await send(), 429);
  },
);
