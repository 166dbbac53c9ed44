import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type PageAsk, PageDesk } from "../../src/control/page-desk.ts";
import { config, request, startGateway, startUpstream } from "./gateway.ts";

const page = { type: "text/plain", body: Buffer.from("x") };

test("clients that want the same page wait for one answer, and the next ones ask again", async () => {
  const sent: PageAsk[] = [];
  const desk = new PageDesk((ask) => void sent.push(ask));
  const answers = [
    desk.ask("/metrics", ""),
    desk.ask("/metrics", "text/html"),
    desk.ask("/_zion/snapshot.json", "x"),
  ];
  assert.deepEqual(
    sent.map(({ name }) => name),
    ["/metrics", "/_zion/snapshot.json"],
  );
  for (const { id } of sent) desk.hear(id, page);
  assert.deepEqual(await Promise.all(answers), [page, page, page]);
  const again = desk.ask("/metrics", "");
  assert.equal(sent.length, 3);
  desk.hear(sent[0]!.id, page);
  desk.hear(sent[2]!.id, undefined);
  assert.equal(await again, undefined, "an answer to an older question is none to this one");
});

test("no more than 64 clients wait, and none for longer than 2 s", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const desk = new PageDesk(() => {});
  const waiting = Array.from({ length: 64 }, () => desk.ask("/metrics", ""));
  assert.equal(await desk.ask("/metrics", ""), undefined);
  mock.timers.tick(2000);
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([undefined]));
  const next = desk.ask("/metrics", "");
  mock.timers.tick(2000);
  assert.equal(await next, undefined, "places are given back");
});

test("the listeners of clients show what telemetry and admin show", async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, {
    toml: config(upstream.port, ["expose_internal = true", "workers = 2"]),
  });
  const metrics = await gateway.get("/metrics");
  assert.equal(metrics.status, 200);
  assert.match(metrics.body, /^zion_workers 2$/m);
  const accept = { accept: "application/openmetrics-text" };
  assert.match((await request(gateway.port, "/metrics", { headers: accept })).body, /# EOF\n$/);
  const shown = JSON.parse((await gateway.get("/_zion/snapshot.json")).body) as Record<string, unknown>;
  const own = JSON.parse((await gateway.get("/snapshot", gateway.adminPort)).body) as Record<string, unknown>;
  assert.deepEqual(Object.keys(shown), Object.keys(own));
  assert.equal(shown["generation"], 1);
});
