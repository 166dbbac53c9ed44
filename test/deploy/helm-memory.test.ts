import assert from "node:assert/strict";
import { test } from "node:test";
import tls from "node:tls";
import { makeMemoryGroup } from "../../bench/fault/memory-group.ts";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { request, startGateway, startUpstream } from "../control/gateway.ts";
import { find, needsHelm, objectsOf, tomlOf } from "./helm.ts";

// `ZION_FULL=1` opens as many as the chart's defaults allow.
const full = process.env["ZION_FULL"] === "1";
const connections = full ? 2000 : 300;
const workers = full ? 2 : 1;
/** Of one client address: below what the gateway lets one have. */
const perAddress = 100;

test("within the memory that the chart gives a pod, all its TLS connections are served without a sign of need", async (t) => {
  if (!needsHelm(t)) return;
  const upstream = await startUpstream(t);
  const objects = objectsOf({
    config: {
      server: {
        listen_http: null,
        listen_https: "127.0.0.1:0",
        state_dir: "DIRECTORY/state",
        workers,
        max_connections: connections,
      },
      tls: { cert_path: "DIRECTORY/tls.crt", key_path: "DIRECTORY/tls.key" },
      telemetry: { listen: "0.0.0.0:0" },
      admin: { listen: "127.0.0.1:0" },
      access_log: { enabled: false },
      upstream: { app: { url: `http://127.0.0.1:${upstream.port}` } },
      route: [{ path: "/{*rest}", upstream: "app" }],
    },
  });
  const { limits } = find(objects, "Deployment").spec.template.spec.containers[0].resources;
  const limitMi = Number(/^(\d+)Mi$/.exec(limits.memory)![1]);
  const group = makeMemoryGroup(`zion-pod-${process.pid}`, limitMi * 1_048_576, 0);
  if (group === undefined) return t.skip("needs root and a memory controller of cgroups");
  t.after(() => group.remove());
  const pair = makeSelfSigned({ names: ["localhost"], days: 30 });
  const gateway = await startGateway(t, {
    toml: tomlOf(objects),
    files: { "tls.crt": pair.certPem, "tls.key": pair.keyPem },
    prefix: group.prefix,
  });

  const open: tls.TLSSocket[] = [];
  t.after(() => {
    for (const socket of open) socket.destroy();
  });
  while (open.length < connections * 0.9) {
    const opening = Array.from({ length: 30 }, (_, index) =>
      openIdle(gateway.httpsPort, open.length + index),
    );
    open.push(...(await Promise.all(opening)));
  }
  const { body } = await request(gateway.telemetryPort, "/metrics");
  const levels = [...body.matchAll(/^zion_overload_level\{of="memory".*?\} (\d+)$/gm)].map(
    ([, level]) => level,
  );
  assert.ok(levels.length > 0 && levels.every((level) => level === "0"), `${levels} of ${limits.memory}`);
  assert.equal(group.kills(), 0);
  assert.ok(
    open.every((socket) => socket.readyState === "open"),
    "nobody was turned out",
  );
});

/** One connection with one answered request, kept open. */
function openIdle(port: number, index: number): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.1.${1 + Math.floor(index / perAddress)}`;
    const options = { port, host: "127.0.0.1", localAddress, rejectUnauthorized: false };
    const socket = tls.connect(options, () => socket.write("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    socket.once("data", () => resolve(socket));
    socket.once("error", reject);
  });
}
