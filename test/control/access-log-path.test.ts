import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Gateway, request, startGateway, startUpstream, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc" };

async function start(t: TestContext) {
  const upstream = await startUpstream(t);
  const text = (path: string, headers = ""): string => `[server]
listen_http = "127.0.0.1:0"
http_mode = "serve"
workers = 2

[access_log]
path = "${path}"
include_headers = [${headers}]

[telemetry]
listen = "127.0.0.1:0"

[upstream.app]
url = "http://127.0.0.1:${upstream.port}"

[[route]]
path = "/{*rest}"
upstream = "app"
`;
  const gateway = await startGateway(t, { toml: text("DIRECTORY/first.log") });
  const change = async (path: string, headers = "") => {
    const told = () => gateway.log().filter((line) => line["event.name"] === "zion.config.reload");
    const before = told().length;
    gateway.write(text(path, headers));
    await until("the reload is over", () => told().length > before);
    return told().at(-1)!;
  };
  return { gateway, upstream, change };
}

function pathsIn({ directory }: Gateway, name: string): string[] {
  // Without the last, which may be half written.
  const lines = readFileSync(join(directory, name), "latin1").split("\n").slice(0, -1);
  return lines.map((line) => String((JSON.parse(line) as Record<string, unknown>)["url.path"]));
}

test(
  "a new path of the access log replaces the workers, and loses no request and no line",
  onLinux,
  async (t) => {
    const { gateway, upstream, change } = await start(t);
    const old = gateway.workers();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const sent: string[] = [];
    const failures: string[] = [];
    let isOver = false;
    const send = async (options: http.RequestOptions) => {
      const path = `/n${sent.length}`;
      sent.push(path);
      const answer = await request(gateway.port, path, options).catch((error: unknown) => ({
        status: error,
      }));
      if (answer.status !== 200) failures.push(`${path}: ${String(answer.status)}`);
    };
    const loops = [{}, { agent }].map(async (options) => {
      while (!isOver) await send(options);
    });
    await until("some requests are answered", () => sent.length > 20);
    sent.push("/wait");
    const held = gateway.get("/wait");
    await until("one is held", () => upstream.held() === 1);

    assert.equal((await change("DIRECTORY/second.log"))["generation"], 2);
    await until("a worker that has nothing to do is gone", () =>
      old.some((pid) => !gateway.workers().includes(pid)),
    );
    await until(
      "two new ones are there",
      () => gateway.workers().filter((pid) => !old.includes(pid)).length === 2,
    );
    upstream.release();
    assert.equal((await held).status, 200);
    await until("the old ones are gone", () => !gateway.workers().some((pid) => old.includes(pid)));
    const before = sent.length;
    await until("the new ones are asked", () => sent.length > before + 20);
    isOver = true;
    await Promise.all(loops);

    assert.deepEqual(failures, []);
    assert.equal(gateway.workers().length, 2);
    assert.equal(gateway.log().filter((line) => line["event.name"] === "zion.worker.exit").length, 0);
    await until("all lines are written", () => pathsIn(gateway, "second.log").includes(sent.at(-1)!));
    const first = pathsIn(gateway, "first.log");
    const second = pathsIn(gateway, "second.log");
    await until("all of them", () => first.length + pathsIn(gateway, "second.log").length >= sent.length);
    assert.deepEqual([...first, ...pathsIn(gateway, "second.log")].sort(), [...sent].sort());
    assert.ok(first.includes("/wait") && second.length > 20);
  },
);

test("a path that cannot be opened refuses the reload, and the workers stay", onLinux, async (t) => {
  const { gateway, change } = await start(t);
  const old = gateway.workers();
  const line = await change("DIRECTORY/missing/access.log");
  assert.deepEqual([line["generation"], line["reason"]], [1, "invalid"]);
  assert.match(String(line["problem"]), /^the access log cannot be opened: ENOENT/);
  assert.equal((await gateway.get("/still")).status, 200);
  await until("the line is in the old file", () => pathsIn(gateway, "first.log").includes("/still"));
  assert.deepEqual(gateway.workers(), old);
});

test("other settings of the access log replace nobody", onLinux, async (t) => {
  const { gateway, change } = await start(t);
  const old = gateway.workers();
  assert.equal((await change("DIRECTORY/first.log", '"accept"'))["generation"], 2);
  assert.equal((await gateway.get("/after")).status, 200);
  await until("the line is written", () => pathsIn(gateway, "first.log").includes("/after"));
  assert.deepEqual(gateway.workers(), old);
});
