import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { RequestListener } from "node:http";
import { type TestContext, test } from "node:test";
import { exportJWK, type JWK } from "jose";
import { fetchKeys } from "../../src/control/jwks-fetch.ts";
import { readKeySet } from "../../src/control/jwks-set.ts";
import type { KeysOrProblem } from "../../src/identity/jwk.ts";
import { sourceOf, startIssuer, startPlainIssuer } from "../support/issuer.ts";
import { jwks, makeKeys } from "../support/tokens.ts";

// Key sets from strangers (reliability.md JW11), over real TLS.

const { rsa, ec, ed } = makeKeys();
const good = jwks([rsa.publicKey, { kid: "r" }], [ec.publicKey, { kid: "e" }]);

function kids(result: KeysOrProblem): unknown {
  return typeof result === "string" ? result : result.map(({ kid, algorithm }) => `${kid} ${algorithm}`);
}

test("a key set is fetched, and every key has one algorithm", async (t) => {
  const issuer = await startIssuer(t, good);
  assert.deepEqual(kids(await fetchKeys(sourceOf(issuer))), ["r RS256", "e ES256"]);
  assert.equal(issuer.asked(), 1);
});

test("keys that jose publishes are read, whatever kind they are of", async () => {
  const set: JWK[] = [];
  for (const [kid, { publicKey }] of Object.entries({ rsa, ec, ed }))
    set.push({ ...(await exportJWK(publicKey)), kid });
  const read = await readKeySet(Buffer.from(JSON.stringify({ keys: set })), ["PS256", "ES256", "EdDSA"]);
  assert.deepEqual(kids(read), ["rsa PS256", "ec ES256", "ed EdDSA"]);
});

const bad: readonly (readonly [what: string, answer: string | RequestListener, problem: RegExp])[] = [
  ["HTML", "<html>keys</html>", /not a JSON object/],
  ["nothing", "", /not a JSON object/],
  ["an array", "[]", /not a JSON object/],
  ["another object", '{"issuer":"a"}', /no JWK Set/],
  ["a set with a key twice", '{"keys":[],"keys":[]}', /occur once/],
  ["an empty set", '{"keys":[]}', /no key that can be used/],
  ["33 keys", JSON.stringify({ keys: Array.from({ length: 33 }, () => ({})) }), /more than 32/],
  ["a secret", '{"keys":[{"kty":"oct","k":"AAAA"}]}', /secret/],
  [
    "a good key beside a private one",
    JSON.stringify({ keys: [rsa.publicKey, ec.privateKey].map((key) => key.export({ format: "jwk" })) }),
    /private/,
  ],
  ["not found", (_request, response) => response.writeHead(404).end(good), /status 404/],
  [
    "a redirect, which nobody follows",
    (_request, response) => response.writeHead(302, { location: "https://169.254.169.254/" }).end(good),
    /status 302/,
  ],
  ["10 MB", (_request, response) => response.end(" ".repeat(10_000_000)), /./],
  [
    "10 MB that say nothing of their length",
    (_request, response) => {
      response.write(" ".repeat(5_000_000));
      response.end(good);
    },
    /./,
  ],
  ["a connection that ends", (request) => request.socket.destroy(), /./],
  ["no answer", () => {}, /timeout|aborted/i],
  [
    "a byte now and then",
    (_request, response) => {
      const timer = setInterval(() => response.write(" "), 50);
      response.on("close", () => clearInterval(timer));
    },
    /timeout|aborted/i,
  ],
];

for (const [what, answer, problem] of bad)
  test(`${what} gives no keys`, async (t) => {
    const issuer = await startIssuer(t, answer);
    // Short where the deadline is what is tested, long on a machine that has much else to do.
    const found = await fetchKeys(sourceOf(issuer), problem.source.startsWith("timeout") ? 1000 : 20_000);
    assert.ok(typeof found === "string", JSON.stringify(found));
    assert.match(found, problem);
  });

test("keys of no use are passed over, the others are good", async () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const p384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" }).publicKey;
  const set = jwks(
    [weak, { kid: "weak" }],
    [p384, { kid: "another curve" }],
    [ed.publicKey, { kid: "another type" }],
    [rsa.publicKey, { kid: "for encryption", use: "enc" }],
    [rsa.publicKey, { kid: "for encryption too", key_ops: ["encrypt"] }],
    [rsa.publicKey, { kid: "another algorithm", alg: "RS512" }],
    [rsa.publicKey, { kid: "broken", e: "" }],
    [ec.publicKey, { kid: "good", x5u: "https://evil.test/", x5c: ["MIIB"] }],
  );
  assert.deepEqual(kids(await readKeySet(Buffer.from(set), ["RS256", "ES256"])), ["good ES256"]);
});

test("a certificate that nobody vouches for, or for another name, gives no keys", async (t) => {
  const issuer = await startIssuer(t, good);
  const other = await startIssuer(t, good, ["other.test"]);
  const asked: readonly (readonly [caPem: string | undefined, of: typeof issuer])[] = [
    [undefined, issuer],
    [other.caPem, issuer],
    [other.caPem, other],
  ];
  for (const [caPem, of] of asked) assert.equal(typeof (await fetchKeys(sourceOf(of, { caPem }))), "string");
  assert.equal(issuer.asked() + other.asked(), 0);
});

test("a name that leads to a private address gives no keys, unless it is listed", async (t: TestContext) => {
  const issuer = await startIssuer(t, good);
  for (const networks of [[], ["10.0.0.0/8"]])
    assert.match(String(await fetchKeys(sourceOf(issuer, { networks }))), /private_address/);
  assert.equal(issuer.asked(), 0);
});

test("plain http is for loopback", async (t) => {
  const port = await startPlainIssuer(t, good);
  const source = { id: "a", url: "", caPem: undefined, networks: [], algorithms: ["RS256"] };
  for (const host of ["localhost", "127.0.0.1"])
    assert.deepEqual(kids(await fetchKeys({ ...source, url: `http://${host}:${port}/` })), ["r RS256"]);
});
