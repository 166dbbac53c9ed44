import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import { algorithmNames } from "../../src/identity/algorithm.ts";
import { Identity } from "../../src/identity/identity.ts";
import { Issuers } from "../../src/identity/issuers.ts";
import { readKeyFile } from "../../src/identity/jwk.ts";
import { TokenVerifier } from "../../src/identity/token-verifier.ts";
import { jwks } from "../support/tokens.ts";

// jose as an issuer, and as a second opinion.

const nowMs = 1_800_000_000_000;
const now = nowMs / 1000;

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pairs: Readonly<Record<string, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>> = {
  RS: rsa,
  PS: rsa,
  ES256: generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "secp384r1" }),
  ES512: generateKeyPairSync("ec", { namedCurve: "secp521r1" }),
  EdDSA: generateKeyPairSync("ed25519"),
};
const asymmetric = algorithmNames.filter((name) => !name.startsWith("HS"));

function pairOf(algorithm: string) {
  return (pairs[algorithm] ?? pairs[algorithm.slice(0, 2)])!;
}

function judge(token: string, algorithm: string): string {
  const keys = readKeyFile(jwks([pairOf(algorithm).publicKey, { kid: "k" }]), [algorithm]);
  assert.ok(typeof keys !== "string", String(keys));
  const verifier = new TokenVerifier({
    issuer: "https://id.test",
    audience: "shop",
    leewaySecs: 30,
    lifetimeMaxSecs: 0,
    required: [],
    algorithms: [algorithm],
    keys,
    fields: [],
    countedClaims: [],
    revoked: new Set(["taken back"]),
    rolesPath: ["roles"],
  });
  const bytes = Buffer.from(token);
  const found = new Issuers([verifier]).verify(bytes, 0, bytes.length, nowMs);
  return found instanceof Identity ? "ok" : found.code;
}

function sign(algorithm: string, claims: JWTPayload): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: "k" })
    .sign(pairOf(algorithm).privateKey);
}

const good: JWTPayload = { iss: "https://id.test", aud: "shop", exp: now + 60 };

for (const algorithm of asymmetric)
  test(`a token that jose signs with ${algorithm} passes, and with another key of the kind it does not`, async () => {
    assert.equal(judge(await sign(algorithm, good), algorithm), "ok");
    const other = asymmetric.find((name) => name !== algorithm)!;
    assert.equal(judge(await sign(other, good), algorithm), "token_alg");
  });

test("a token that was taken back does not pass", async () => {
  assert.equal(judge(await sign("ES256", { ...good, jti: "taken back" }), "ES256"), "token_revoked");
  assert.equal(judge(await sign("ES256", { ...good, jti: "another" }), "ES256"), "ok");
});

test("whatever the claims say, jose and we take the same tokens", async () => {
  const near = fc.oneof(fc.integer({ min: now - 33, max: now + 33 }), fc.constant(undefined));
  const claims = fc.record({
    iss: fc.constantFrom(
      "https://id.test",
      "https://id.test",
      "https://id.test",
      "https://id.test/",
      "",
      undefined,
    ),
    aud: fc.constantFrom<string | string[] | undefined>("shop", "shop", "Shop", ["a", "shop"], [], undefined),
    exp: near,
    nbf: near,
  });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(claims, async (drawn) => {
      // A claim that is undefined is no claim.
      const token = await sign("ES256", JSON.parse(JSON.stringify(drawn)) as JWTPayload);
      const theirs = await jwtVerify(token, pairs["ES256"]!.publicKey, {
        algorithms: ["ES256"],
        issuer: "https://id.test",
        audience: "shop",
        clockTolerance: 30,
        currentDate: new Date(nowMs),
        requiredClaims: ["exp"],
      }).then(
        () => true,
        () => false,
      );
      const ours = judge(token, "ES256") === "ok";
      if (ours) taken++;
      assert.equal(ours, theirs, JSON.stringify(drawn));
    }),
    { numRuns: 300 },
  );
  assert.ok(taken > 10, String(taken));
});
