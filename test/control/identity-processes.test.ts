import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { startIssuer } from "../support/issuer.ts";
import { startOrigin } from "../support/origin.ts";
import { ask } from "../support/raw-client.ts";
import { jwks, makeKeys, makeToken } from "../support/tokens.ts";
import { type Gateway, startGateway } from "./gateway.ts";

// Keys of issuers and revoked tokens in a whole gateway: primary, workers, and the process that fetches.

const { ec, rsa } = makeKeys();
const writeToken = randomBytes(32).toString("hex");
const expSecs = Math.floor(Date.now() / 1000) + 600;

const toml = (originPort: number, issuerUrl: string): string => `
[server]
listen_http = "127.0.0.1:0"
workers = 2
state_dir = "DIRECTORY/state"
[telemetry]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
write_token_env = "TEST_WRITE_TOKEN"
[access_log]
enabled = false
[upstream.app]
url = "http://127.0.0.1:${originPort}"
[[route]]
path = "/{*rest}"
upstream = "app"
waf = false
auth_profile = "users"
[auth_profile.users]
algorithms = ["ES256", "RS256"]
jwks_url = "${issuerUrl}"
jwks_ca_file = "DIRECTORY/ca.pem"
jwks_private_networks = ["127.0.0.0/8", "::1/128"]
`;

function token(kid: string, key: typeof ec.privateKey, more: object = {}): string {
  const alg = key === ec.privateKey ? "ES256" : "RS256";
  return makeToken({ alg, kid }, { sub: "ann", exp: expSecs, ...more }, key);
}

/** The statuses of `count` requests on connections of their own, which the kernel spreads over the workers. */
async function statuses({ port }: Gateway, bearer: string, count = 12): Promise<Set<number>> {
  const asked = Array.from({ length: count }, () =>
    ask(
      port,
      `GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer ${bearer}\r\nConnection: close\r\n\r\n`,
    ),
  );
  return new Set((await Promise.all(asked)).map(({ status }) => status));
}

/** Asks again until all workers know: news travels by IPC. */
async function until(gateway: Gateway, bearer: string, status: number): Promise<void> {
  for (;;) {
    const seen = await statuses(gateway, bearer);
    if (seen.size === 1 && seen.has(status)) return;
  }
}

async function admin({ adminPort }: Gateway, method: string, path: string, body = ""): Promise<number> {
  const answer = await ask(
    adminPort,
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${writeToken}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  return answer.status;
}

test("all workers get an issuer's keys, and unknown keys at all of them cause one fetch in 30 seconds at most", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const issuer = await startIssuer(t, jwks([ec.publicKey, { kid: "e" }]));
  const startedMs = performance.now();
  const gateway = await startGateway(t, {
    toml: toml(origin.port, issuer.url),
    files: { "ca.pem": issuer.caPem },
    environment: { TEST_WRITE_TOKEN: writeToken },
  });
  await until(gateway, token("e", ec.privateKey), 200);
  assert.equal(issuer.asked(), 1);
  // The issuer has a new key, so a fetch would change something.
  issuer.answer(jwks([ec.publicKey, { kid: "e" }], [rsa.publicKey, { kid: "r" }]));
  for (let i = 0; i < 10; i++)
    assert.deepEqual([...(await statuses(gateway, token(`made up ${i}`, rsa.privateKey), 30))], [403]);
  const allowed = 1 + Math.floor((performance.now() - startedMs) / 30_000);
  assert.ok(issuer.asked() <= allowed, `${issuer.asked()} fetches, ${allowed} allowed`);
  const { body } = await gateway.get("/metrics", gateway.telemetryPort);
  assert.match(body, new RegExp(`zion_jwks_fetches_total\\{result="success"\\} ${issuer.asked()}\n`));
});

test("a gateway whose issuer is down starts, answers 503 for it, and fetches again by itself", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const issuer = await startIssuer(t, (_request, response) => response.writeHead(500).end());
  const gateway = await startGateway(t, {
    toml: toml(origin.port, issuer.url),
    files: { "ca.pem": issuer.caPem },
    environment: { TEST_WRITE_TOKEN: writeToken },
  });
  const good = token("e", ec.privateKey);
  assert.deepEqual([...(await statuses(gateway, good))], [503]);
  issuer.answer(jwks([ec.publicKey, { kid: "e" }]));
  await until(gateway, good, 200);
  assert.equal(origin.requests.length > 0, true);
});

test("a token that was taken back is refused by all workers, also after kill -9 of everything", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  const issuer = await startIssuer(t, jwks([ec.publicKey, { kid: "e" }]));
  const options = {
    toml: toml(origin.port, issuer.url),
    files: { "ca.pem": issuer.caPem },
    environment: { TEST_WRITE_TOKEN: writeToken },
  };
  const gateway = await startGateway(t, options);
  const stolen = token("e", ec.privateKey, { jti: "stolen" });
  const other = token("e", ec.privateKey, { jti: "other" });
  assert.deepEqual([...(await statuses(gateway, stolen))], [200]);
  assert.equal(
    await admin(gateway, "POST", "/v1/revocations", JSON.stringify({ jti: "stolen", exp: expSecs })),
    200,
  );
  await until(gateway, stolen, 401);
  assert.deepEqual([...(await statuses(gateway, other))], [200]);
  assert.equal(await admin(gateway, "POST", "/v1/revocations", '{"jti":""}'), 400);
  assert.match((await gateway.get("/v1/revocations", gateway.adminPort)).body, /"stolen"/);

  for (const pid of gateway.workers()) process.kill(pid, "SIGKILL");
  // Workers that come up know it before they serve.
  await gateway.logged((line) => line["event.name"] === "zion.worker.exit");
  assert.deepEqual([...(await statuses(gateway, stolen))], [401]);

  const state = `${gateway.directory}/state`;
  gateway.signal("SIGKILL");
  await gateway.exited;
  const again = await startGateway(t, { ...options, toml: options.toml.replace("DIRECTORY/state", state) });
  // 503 as long as the keys are not there: never 200.
  for (let seen = new Set<number>(); !seen.has(401) || seen.size > 1; ) {
    seen = await statuses(again, stolen);
    assert.ok(!seen.has(200));
  }
  assert.equal(await admin(again, "DELETE", "/v1/revocations/stolen"), 200);
  assert.equal(await admin(again, "DELETE", "/v1/revocations/stolen"), 404);
  await until(again, stolen, 200);
});
