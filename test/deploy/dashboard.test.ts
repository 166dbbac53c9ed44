import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { config, request, startGateway, startUpstream, until } from "../control/gateway.ts";
import { newDirectory } from "../support/directory.ts";
import { freePort } from "../support/free-port.ts";

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const file = path.resolve(import.meta.dirname, "../../deploy/grafana/zion.json");
const { panels } = JSON.parse(readFileSync(file, "utf8")) as { readonly panels: readonly Panel[] };
const expressions = panels.flatMap(({ title, targets }) =>
  (targets ?? []).map(({ expr }) => ({
    title,
    query: expr.replaceAll("$__rate_interval", "5s").replaceAll("$job", ".+").replaceAll("$route", ".+"),
  })),
);
const prometheus = {
  skip:
    spawnSync("prometheus", ["--version"]).status === 0 || process.env["CI"]
      ? false
      : "prometheus is missing",
};

test(
  "a Prometheus that scrapes a gateway has an answer for every panel of the dashboard",
  prometheus,
  async (t) => {
    const upstream = await startUpstream(t);
    const toml = config(upstream.port).replace("enabled = false", 'path = "DIRECTORY/access.log"');
    const gateway = await startGateway(t, { toml });
    const address = await scrape(t, gateway.telemetryPort);
    const ask = async (query: string): Promise<number> => {
      const { body } = await request(address, `/api/v1/query?query=${encodeURIComponent(query)}`);
      const { status, data } = JSON.parse(body) as {
        status: string;
        data?: { result: { value: [number, string] }[] };
      };
      assert.equal(status, "success", `${query}: ${body}`);
      return data!.result.filter(({ value }) => value[1] !== "NaN").length;
    };
    assert.ok(expressions.length >= 30);
    let silent: string[] = [];
    await until("every panel has an answer", async () => {
      // Traffic of each kind that a panel shows.
      await gateway.get("/");
      await gateway.get("/?q=%27%20or%201%3D1--%20-");
      await send(gateway.port, "/%zz", "");
      await send(gateway.port, "/", "a=1");
      silent = [];
      for (const { title, query } of expressions)
        if ((await ask(query)) === 0) silent.push(`${title}: ${query}`);
      t.diagnostic(`${silent.length} of ${expressions.length} panels are silent`);
      return silent.length === 0;
    }).catch((cause: unknown) => assert.fail(`${cause}\n${silent.join("\n")}`));
  },
);

/** Starts a Prometheus that scrapes every second; returns its port. */
async function scrape(t: TestContext, target: number): Promise<number> {
  const directory = newDirectory("prometheus");
  const yaml = `global: { scrape_interval: 1s }
scrape_configs: [{ job_name: zion, static_configs: [{ targets: ["127.0.0.1:${target}"] }] }]
rule_files: ["${path.resolve(import.meta.dirname, "../../deploy/prometheus/zion.rules.yaml")}"]
`;
  writeFileSync(path.join(directory, "prometheus.yml"), yaml);
  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: "ignore" },
  );
  const exited = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await until("Prometheus is ready", () =>
    request(port, "/-/ready").then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return port;
}

/** A form, or, without a body, a GET; what is answered does not matter. */
function send(port: number, target: string, body: string): Promise<void> {
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": body.length };
  const options = body === "" ? {} : { method: "POST", headers };
  return new Promise((resolve) => {
    http
      .request({ host: "127.0.0.1", port, path: target, agent: false, ...options }, (response) => {
        response.resume();
        response.on("end", () => resolve());
      })
      .on("error", () => resolve())
      .end(body);
  });
}
