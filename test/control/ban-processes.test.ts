import assert from "node:assert/strict";
import http from "node:http";
import { type TestContext, test } from "node:test";
import {
  config,
  type Gateway,
  request,
  startGateway,
  startUpstream,
  until,
  untilMetrics,
} from "./gateway.ts";

// Bans over real processes: two workers, their primary, and the admin listener.

const token = "0123456789abcdef0123456789abcdef";
const ban = "[ban]\nthreshold = 6\nwindow_secs = 600\nban_secs = 3600";
const attack = "/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--";

async function start(t: TestContext, more = "", tables = ban, upstream?: number) {
  const port = upstream ?? (await startUpstream(t)).port;
  const lines = ["workers = 2", 'trusted_proxies = ["127.0.0.1"]', ...(more === "" ? [] : [more])];
  const toml = config(port, lines, tables).replace("[admin]", '[admin]\nwrite_token_env = "ADMIN_TOKEN"');
  return { gateway: await startGateway(t, { toml, environment: { ADMIN_TOKEN: token } }), toml };
}

/** From a client behind the trusted balancer 127.0.0.1, each on a connection of its own: any worker may take it. */
function from(gateway: Gateway, client: string, path: string): Promise<number> {
  const options: http.RequestOptions = { headers: { "X-Forwarded-For": client } };
  return request(gateway.port, path, options).then(({ status }) => status);
}

function admin(gateway: Gateway, method: string, path: string, body?: unknown) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
    const sent = http.request(
      { host: "127.0.0.1", port: gateway.adminPort, method, path, headers, agent: false },
      (response) => {
        let text = "";
        response.on("data", (part) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode!, json: JSON.parse(text) }));
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? "" : JSON.stringify(body));
  });
}

/** Everybody else's requests: without them a scanner's own ones would be all there is. */
async function traffic(gateway: Gateway, count: number, client = (i: number) => `198.51.100.${i}`) {
  for (let i = 0; i < count; i++) assert.equal(await from(gateway, client(i), "/"), 200);
}

test("a client that attacks is banned in all workers, over a reload, until an operator lifts it", async (t) => {
  const { gateway, toml } = await start(t);
  await traffic(gateway, 30);
  for (let i = 0; i < 12; i++) assert.equal(await from(gateway, "192.0.2.1", attack), 400);
  await gateway.logged((line) => line["event.name"] === "zion.ban" && line["client"] === "192.0.2.1");
  await until("both workers know", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => from(gateway, "192.0.2.1", "/")));
    return all.every((status) => status === 403);
  });
  assert.equal(await from(gateway, "192.0.2.2", "/"), 200);

  gateway.write(`${toml}# changed\n`);
  gateway.signal("SIGHUP");
  await gateway.logged((line) => line["event.name"] === "zion.config.reload");
  assert.equal(await from(gateway, "192.0.2.1", "/"), 403);

  const listed = await admin(gateway, "GET", "/v1/bans");
  const [shown] = listed.json["bans"] as Record<string, unknown>[];
  assert.deepEqual([shown!["address"], shown!["cause"], shown!["times"]], ["192.0.2.1", "waf", 1]);
  assert.equal((await admin(gateway, "DELETE", "/v1/bans/192.0.2.1")).status, 200);
  assert.equal((await admin(gateway, "DELETE", "/v1/bans/192.0.2.1")).status, 404);
  await until("the ban is lifted", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => from(gateway, "192.0.2.1", "/")));
    return all.every((status) => status === 200);
  });
});

test("one scanner behind a balancer that carries other people's traffic is warned about, not banned", async (t) => {
  const { gateway } = await start(t);
  // A balancer that nobody told us of: all of its users have its address.
  await traffic(gateway, 30);
  await traffic(gateway, 30, () => "203.0.113.7");
  for (let i = 0; i < 20; i++) assert.equal(await from(gateway, "203.0.113.7", attack), 400);
  const warning = await gateway.logged((line) => line["event.name"] === "zion.ban.spared");
  assert.deepEqual(
    [warning["level"], warning["client"], warning["reason"], warning["waf"]],
    ["warn", "203.0.113.7", "share", 20],
  );
  await traffic(gateway, 10, () => "203.0.113.7");
  assert.deepEqual((await admin(gateway, "GET", "/v1/bans")).json["bans"], []);
});

test("an operator bans a block; an exempt client of it comes in, a worker that starts later knows", async (t) => {
  const { gateway } = await start(
    t,
    'lists = ["partner"]',
    `[list.partner]\naction = "exempt"\ncidrs = ["192.0.2.9"]\n[ban]\naction = "tarpit"\n[tarpit]\nhold_secs = 1`,
  );
  const wrong = [{}, { address: 1 }, { address: "192.0.2.1", secs: 0 }, { address: "192.0.2.1", for: 1 }];
  for (const body of wrong) assert.equal((await admin(gateway, "POST", "/v1/bans", body)).status, 400);
  assert.equal((await admin(gateway, "POST", "/v1/bans", { address: "127.0.0.0/8" })).status, 422);
  const banned = await admin(gateway, "POST", "/v1/bans", { address: "192.0.2.0/24", secs: 600 });
  assert.deepEqual([banned.status, banned.json["banned"]], [200, "192.0.2.0/24"]);
  await until("both workers know", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => from(gateway, "192.0.2.8", "/")));
    return all.every((status) => status === 403);
  });
  assert.equal(await from(gateway, "192.0.2.9", "/"), 200);

  const [first] = gateway.workers();
  process.kill(first!, "SIGKILL");
  await until("a new worker serves", async () => {
    const { workers } = JSON.parse((await gateway.get("/snapshot", gateway.adminPort)).body);
    return !gateway.workers().includes(first!) && workers.serving === 2;
  });
  const all = await Promise.all(Array.from({ length: 20 }, () => from(gateway, "192.0.2.8", "/")));
  assert.deepEqual(new Set(all), new Set([403]));
  await untilMetrics(
    gateway.telemetryPort,
    /^zion_tarpit_total [1-9]/m,
    /^zion_bans\{cause="operator"\} 1$/m,
  );
  assert.equal((await admin(gateway, "DELETE", "/v1/bans/192.0.2.0%2F24")).status, 200);
});
