import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointConfig, UpstreamConfig } from "../../src/config/config.ts";
import { probeEndpoint } from "../../src/control/probe-http2.ts";
import { goodConfig, minimal } from "../support/config-case.ts";
import { startHttp2Origin } from "../support/http2-origin.ts";

const [template] = goodConfig(minimal).upstreams;
const [plain] = template!.endpoints;

function upstream(
  health: Partial<UpstreamConfig["health"]>,
  more: Partial<UpstreamConfig> = {},
): UpstreamConfig {
  return { ...template!, protocol: "h2c", ...more, health: { ...template!.health, ...health } };
}

function at(port: number, more: Partial<EndpointConfig> = {}): EndpointConfig {
  return { ...plain!, host: "127.0.0.1", port, ...more };
}

test("an upstream that speaks HTTP/2 is probed in HTTP/2", async (t) => {
  let status = 200;
  const origin = await startHttp2Origin(t, ({ stream }) =>
    stream.respond({ ":status": status }, { endStream: true }),
  );
  assert.deepEqual(await probeEndpoint(upstream({ path: "/up?x=1" }), at(origin.port), undefined), {
    healthy: true,
  });
  const { headers } = origin.arrivals[0]!;
  assert.equal(`${headers[":method"]} ${headers[":path"]}`, "GET /up?x=1");
  assert.equal(headers[":authority"], `127.0.0.1:${origin.port}`);
  status = 503;
  assert.deepEqual(await probeEndpoint(upstream({}), at(origin.port), undefined), {
    healthy: false,
    cause: "status 503",
  });
});

test("over TLS it must be negotiated, and the certificate must be right", async (t) => {
  const origin = await startHttp2Origin(
    t,
    ({ stream }) => stream.respond({ ":status": 200 }, { endStream: true }),
    { alpn: ["h2"] },
  );
  const secure = at(origin.port, { scheme: "https" });
  const known = { protocol: "h2", caPem: origin.certPem, serverName: "localhost" } as const;
  assert.deepEqual(await probeEndpoint(upstream({}, known), secure, undefined), { healthy: true });
  const other = await probeEndpoint(upstream({}, { ...known, serverName: "other.test" }), secure, undefined);
  assert.equal(other.healthy, false);
});

for (const [title, answer, healthy] of [
  ["SERVING", { body: [0, 0, 0, 0, 2, 8, 1], status: "0" }, true],
  ["NOT_SERVING", { body: [0, 0, 0, 0, 2, 8, 2], status: "0" }, false],
  ["UNIMPLEMENTED", { body: [], status: "12" }, false],
] as const) {
  test(`gRPC's health service says ${title}`, async (t) => {
    const origin = await startHttp2Origin(t, ({ stream, body }) => {
      void body.then(() => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": answer.status }));
        stream.end(Buffer.from(answer.body));
      });
    });
    const result = await probeEndpoint(upstream({ grpc: true }), at(origin.port), undefined);
    assert.equal(result.healthy, healthy);
    const { headers, body } = origin.arrivals[0]!;
    assert.equal(headers[":path"], "/grpc.health.v1.Health/Check");
    assert.deepEqual([...(await body)], [0, 0, 0, 0, 0]);
  });
}

test("who does not answer, or does not listen, is not healthy", async (t) => {
  const origin = await startHttp2Origin(t, () => {});
  assert.deepEqual(await probeEndpoint(upstream({ timeoutMs: 100 }), at(origin.port), undefined), {
    healthy: false,
    cause: "timeout",
  });
  assert.deepEqual(await probeEndpoint(upstream({}), at(1), undefined), {
    healthy: false,
    cause: "ECONNREFUSED",
  });
});
