import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Identity } from "../../src/identity/identity.ts";
import { Issuers } from "../../src/identity/issuers.ts";
import { readKeyFile } from "../../src/identity/jwk.ts";
import { type KeyMaterial, TokenVerifier, type VerifierSettings } from "../../src/identity/token-verifier.ts";
import { base64Url, jwks, makeKeys, makeToken, signToken } from "../support/tokens.ts";

const { rsa, otherRsa, ec, ed } = makeKeys();
const nowMs = 1_800_000_000_000;
const now = nowMs / 1000;
const secret = "0123456789abcdef0123456789abcdef";
const good = { iss: "https://id.test", aud: "shop", sub: "ann", iat: now, exp: now + 300 };

function keysOf(text: string, algorithms: readonly string[]): readonly KeyMaterial[] {
  const keys = readKeyFile(text, algorithms);
  assert.ok(typeof keys !== "string", String(keys));
  return keys;
}

function verifier(more: Partial<VerifierSettings> = {}): TokenVerifier {
  const algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
  return new TokenVerifier({
    issuer: "https://id.test",
    audience: "shop",
    leewaySecs: 60,
    lifetimeMaxSecs: 86_400,
    required: [],
    algorithms,
    keys: keysOf(
      jwks([rsa.publicKey, { kid: "r" }], [ec.publicKey, { kid: "e" }], [ed.publicKey, { kid: "d" }]),
      algorithms,
    ),
    fields: [{ claim: "sub", field: "X-Auth-Subject" }],
    countedClaims: ["tenant"],
    revoked: new Set(),
    rolesPath: ["realm", "roles"],
    ...more,
  });
}

/** The reason's code, or "ok". */
function judge(token: string, by = verifier(), atMs = nowMs): string {
  const bytes = Buffer.from(`..${token}..`, "latin1");
  const found = new Issuers([by]).verify(bytes, 2, bytes.length - 2, atMs);
  return found instanceof Identity ? "ok" : found.code;
}

const rs = (claims: unknown, header: Record<string, unknown> = {}): string =>
  makeToken({ alg: "RS256", kid: "r", ...header }, claims, rsa.privateKey);

describe("tokens that pass", () => {
  for (const [alg, kid, key] of [
    ["RS256", "r", rsa.privateKey],
    ["ES256", "e", ec.privateKey],
    ["EdDSA", "d", ed.privateKey],
  ] as const)
    test(`one signed with ${alg}`, () => {
      assert.equal(judge(makeToken({ alg, kid, typ: "JWT" }, good, key)), "ok");
    });

  test("one signed with PS256, where the key is for it", () => {
    const keys = keysOf(jwks([rsa.publicKey, { kid: "r", alg: "PS256" }]), ["PS256"]);
    const by = verifier({ algorithms: ["RS256", "PS256"], keys });
    assert.equal(judge(makeToken({ alg: "PS256", kid: "r" }, good, rsa.privateKey), by), "ok");
    assert.equal(judge(rs(good), by), "token_alg");
  });

  test("ones signed with this secret and the one before it", () => {
    const key = (text: string): KeyMaterial => ({
      kid: undefined,
      algorithm: "HS256",
      secret: Buffer.from(text).toString("base64"),
      publicPem: undefined,
    });
    const by = verifier({ algorithms: ["HS256"], keys: [key(secret), key(`${secret}old`)] });
    for (const used of [secret, `${secret}old`])
      assert.equal(judge(makeToken({ alg: "HS256", kid: "any" }, good, used), by), "ok");
    assert.equal(judge(makeToken({ alg: "HS256" }, good, `${secret}x`), by), "token_signature");
  });

  test("an audience that is one of several", () => {
    assert.equal(judge(rs({ ...good, aud: ["a", "shop"] })), "ok");
  });

  test("a key given as PEM takes tokens with any kid", () => {
    const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
    const by = verifier({ keys: keysOf(pem, ["RS256"]) });
    assert.equal(judge(rs(good, { kid: "whatever" }), by), "ok");
  });
});

const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
const token = rs(good);
const [header, payload, signature] = token.split(".") as [string, string, string];
const es = makeToken({ alg: "ES256", kid: "e" }, good, ec.privateKey).split(".") as [string, string, string];

const attacks: readonly (readonly [what: string, token: string, code: string])[] = [
  // JW1: algorithms.
  ["alg none", `${base64Url('{"alg":"none"}')}.${payload}.`, "token_alg"],
  ["alg none with a signature", `${base64Url('{"alg":"none"}')}.${payload}.${signature}`, "token_alg"],
  ["alg None", `${base64Url('{"alg":"None"}')}.${payload}.${signature}`, "token_alg"],
  ["no alg", `${base64Url('{"kid":"r"}')}.${payload}.${signature}`, "token_alg"],
  ["alg that is no string", `${base64Url('{"alg":["RS256"]}')}.${payload}.${signature}`, "token_alg"],
  ["the public key as an HMAC secret", makeToken({ alg: "HS256", kid: "r" }, good, pem), "token_alg"],
  ["an RSA key used for PSS", makeToken({ alg: "PS256", kid: "r" }, good, rsa.privateKey), "token_alg"],
  [
    "an alg of the profile with a key for another",
    makeToken({ alg: "ES256", kid: "r" }, good, ec.privateKey),
    "token_alg",
  ],
  ["an alg that is not listed", makeToken({ alg: "RS512", kid: "r" }, good, rsa.privateKey), "token_alg"],
  // JW2: keys that the token brings along.
  [
    "a key inside the token",
    makeToken(
      {
        alg: "RS256",
        kid: "r",
        jwk: otherRsa.publicKey.export({ format: "jwk" }),
        jku: "https://evil.test/keys",
        x5u: "https://evil.test/cert",
        x5c: ["MIIB"],
      },
      good,
      otherRsa.privateKey,
    ),
    "token_signature",
  ],
  // JW3: kid.
  ["a kid that climbs", rs(good, { kid: "../../dev/null" }), "token_kid"],
  ["a kid with SQL", rs(good, { kid: "x' UNION SELECT 'a" }), "token_kid"],
  ["a kid of 300 characters", rs(good, { kid: "a".repeat(300) }), "token_kid"],
  ["a kid that is an object", rs(good, { kid: { a: 1 } }), "token_kid"],
  ["no kid where keys have one", makeToken({ alg: "RS256" }, good, rsa.privateKey), "token_kid"],
  // JW5: times.
  ["an expired one", rs({ ...good, exp: now - 61 }), "token_expired"],
  ["one that begins in an hour", rs({ ...good, nbf: now + 61 }), "token_time"],
  ["one made in the future", rs({ ...good, iat: now + 61 }), "token_time"],
  ["one without an end", rs({ ...good, exp: undefined }), "token_time"],
  ["an end that is a string", rs({ ...good, exp: String(now + 300) }), "token_time"],
  ["an end below zero", rs({ ...good, exp: -1 }), "token_time"],
  ["an nbf that is null", rs({ ...good, nbf: null }), "token_time"],
  ["one that lives too long", rs({ ...good, exp: now + 86_401 }), "token_lifetime"],
  [
    "one that lives too long, and hides when it was made",
    rs({ ...good, iat: undefined, exp: now + 86_402 }),
    "token_lifetime",
  ],
  // JW6: issuer and audience.
  ["another issuer", rs({ ...good, iss: "https://evil.test" }), "token_claims"],
  ["an issuer with a slash behind it", rs({ ...good, iss: "https://id.test/" }), "token_claims"],
  ["no issuer", rs({ ...good, iss: undefined }), "token_claims"],
  ["another audience", rs({ ...good, aud: "bank" }), "token_claims"],
  ["no audience", rs({ ...good, aud: undefined }), "token_claims"],
  ["audiences without ours", rs({ ...good, aud: ["bank", "shop2"] }), "token_claims"],
  ["an audience that holds ours in an object", rs({ ...good, aud: { shop: "shop" } }), "token_claims"],
  // JW7: syntax.
  ["an empty one", "", "token_syntax"],
  ["two parts", `${header}.${payload}`, "token_syntax"],
  ["four parts", `${token}.x`, "token_syntax"],
  ["five parts", `${token}.x.y`, "token_syntax"],
  ["an empty header", `.${payload}.${signature}`, "token_syntax"],
  ["an empty payload", `${header}..${signature}`, "token_syntax"],
  ["an empty signature", `${header}.${payload}.`, "token_syntax"],
  ["padding", `${token}=`, "token_syntax"],
  ["the other base64", `${header}.${payload}.${"+/".repeat(171)}`, "token_syntax"],
  ["white space", `${header}.${payload} .${signature}`, "token_syntax"],
  ["NUL", `${header}.${payload}\0.${signature}`, "token_syntax"],
  [
    "bits behind the last byte",
    `${header}.${payload}.${signature.slice(0, -1)}${next(signature.at(-1)!)}`,
    "token_syntax",
  ],
  // JW8: JSON.
  [
    "a header with a key twice",
    signToken('{"alg":"RS256","kid":"r","alg":"RS256"}', JSON.stringify(good), "RS256", rsa.privateKey),
    "token_syntax",
  ],
  [
    "a key twice, once escaped",
    signToken('{"alg":"RS256","\\u0061lg":"RS256","kid":"r"}', JSON.stringify(good), "RS256", rsa.privateKey),
    "token_syntax",
  ],
  [
    "a payload with a key twice",
    signToken(
      '{"alg":"RS256","kid":"r"}',
      `{"sub":"a",${JSON.stringify(good).slice(1)}`,
      "RS256",
      rsa.privateKey,
    ),
    "token_syntax",
  ],
  [
    "a payload that is deep",
    rs({ ...good, deep: JSON.parse("[".repeat(100) + "]".repeat(100)) }),
    "token_syntax",
  ],
  ["a payload that is an array", rs([good]), "token_syntax"],
  [
    "a payload that is no JSON",
    signToken('{"alg":"RS256","kid":"r"}', "sub=ann", "RS256", rsa.privateKey),
    "token_syntax",
  ],
  ["9 KiB", rs({ ...good, pad: "x".repeat(9000) }), "token_syntax"],
  ["100 kB", "a".repeat(100_000), "token_syntax"],
  ["crit", rs(good, { crit: ["exp"] }), "token_syntax"],
  ["b64", rs(good, { b64: false }), "token_syntax"],
  ["zip", rs(good, { zip: "DEF" }), "token_syntax"],
  // JW9: signatures.
  ["a signature cut short", `${header}.${payload}.${signature.slice(0, -2)}`, "token_signature"],
  [
    "another payload",
    `${header}.${base64Url(JSON.stringify({ ...good, sub: "eve" }))}.${signature}`,
    "token_signature",
  ],
  ["another key", makeToken({ alg: "RS256", kid: "r" }, good, otherRsa.privateKey), "token_signature"],
  ["ECDSA with r = s = 0", `${es[0]}.${es[1]}.${Buffer.alloc(64).toString("base64url")}`, "token_signature"],
  ["ECDSA as DER", `${es[0]}.${es[1]}.${Buffer.alloc(70, 0x30).toString("base64url")}`, "token_signature"],
  [
    "Ed25519 of zeros",
    `${base64Url('{"alg":"EdDSA","kid":"d"}')}.${payload}.${Buffer.alloc(64).toString("base64url")}`,
    "token_signature",
  ],
  // What goes upstream.
  ["a subject that ends its field", rs({ ...good, sub: "a\r\nX-Admin: 1" }), "token_claims"],
  ["a subject that is an object", rs({ ...good, sub: { a: 1 } }), "token_claims"],
];

/** A letter of base64url whose lowest bits differ. */
function next(letter: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(letter) ^ 1]!;
}

describe("tokens that are refused", () => {
  for (const [what, forged, code] of attacks) test(what, () => assert.equal(judge(forged), code));

  test("without any key nothing passes", () => {
    assert.equal(judge(token, verifier({ keys: [] })), "auth_keys");
  });

  test("a required claim is missing, or empty", () => {
    const by = verifier({ required: ["tenant"] });
    assert.equal(judge(rs({ ...good, tenant: "a" }), by), "ok");
    for (const tenant of [undefined, null, ""])
      assert.equal(judge(rs({ ...good, tenant }), by), "token_claims");
    assert.equal(judge(rs({ ...good, sub: "a" }), verifier({ required: ["toString"] })), "token_claims");
  });

  test("any change of one byte", () => {
    const by = verifier();
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.integer({ min: 0x21, max: 0x7e }), (at, code) => {
        const forged = `${token.slice(0, at)}${String.fromCharCode(code)}${token.slice(at + 1)}`;
        if (forged !== token) assert.notEqual(judge(forged, by), "ok");
      }),
      { numRuns: 200 },
    );
  });
});

describe("a token that was seen before", () => {
  test("lasts until it ends, with the leeway, and no longer", () => {
    const by = verifier();
    const endMs = (good.exp + 60) * 1000;
    assert.equal(judge(token, by), "ok");
    assert.equal(judge(token, by, endMs - 1), "ok");
    assert.equal(judge(token, by, endMs), "token_expired");
    assert.equal(judge(token, by, endMs), "token_expired");
    assert.equal(judge(token, verifier(), endMs), "token_expired");
  });

  test("is not valid before it begins, when the clock was set back", () => {
    const by = verifier();
    assert.equal(judge(token, by), "ok");
    assert.equal(judge(token, by, nowMs - 60_001), "token_time");
    assert.equal(judge(token, by, nowMs - 60_000), "ok");
  });

  test("is the same identity, not a new one", () => {
    const by = verifier();
    const bytes = Buffer.from(token);
    const first = new Issuers([by]).verify(bytes, 0, bytes.length, nowMs);
    assert.ok(first instanceof Identity);
    assert.equal(new Issuers([by]).verify(bytes, 0, bytes.length, nowMs), first);
  });

  test("is forgotten with its key", () => {
    const by = verifier();
    assert.equal(judge(token, by), "ok");
    by.setKeys(keysOf(jwks([otherRsa.publicKey, { kid: "r" }]), ["RS256"]));
    assert.equal(judge(token, by), "token_signature");
  });
});

describe("scopes and roles", () => {
  test("come from scope, scp and the path of roles", () => {
    const bytes = Buffer.from(rs({ ...good, scope: "a b", scp: ["c"], realm: { roles: ["r", 1] } }));
    const found = new Issuers([verifier()]).verify(bytes, 0, bytes.length, nowMs);
    assert.ok(found instanceof Identity);
    assert.deepEqual([[...found.scopes], [...found.roles]], [["a", "b", "c"], ["r"]]);
  });
});

describe("an identity", () => {
  test("keeps the claims that limits count by, as text, and no others", () => {
    const read = (claims: object) => {
      const bytes = Buffer.from(rs({ ...good, ...claims }));
      const found = new Issuers([verifier()]).verify(bytes, 0, bytes.length, nowMs);
      assert.ok(found instanceof Identity);
      return [found.subject, found.apiKeyId, found.claim("tenant"), found.claim("iss")];
    };
    assert.deepEqual(read({ tenant: "red" }), ["ann", "", "red", undefined]);
    assert.deepEqual(read({ tenant: 7 }), ["ann", "", "7", undefined]);
    assert.deepEqual(read({ tenant: ["red"] }), ["ann", "", undefined, undefined]);
  });
});

describe("key files", () => {
  const jwk = (more: object) => JSON.stringify({ ...rsa.publicKey.export({ format: "jwk" }), ...more });
  const bad: readonly (readonly [what: string, text: string, problem: RegExp])[] = [
    ["nothing", "", /no PEM public key/],
    ["HTML", "<html>", /no PEM public key/],
    ["JSON with a key twice", '{"keys":[],"keys":[]}', /occur once/],
    ["an empty set", '{"keys":[]}', /no key for signatures/],
    ["33 keys", JSON.stringify({ keys: Array.from({ length: 33 }, () => ({})) }), /more than 32/],
    ["a secret", '{"kty":"oct","k":"AAAA"}', /secret/],
    ["a private JWK", JSON.stringify(rsa.privateKey.export({ format: "jwk" })), /private/],
    ["a private PEM", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(), /private/],
    [
      "two keys with one kid",
      jwks([rsa.publicKey, { kid: "a" }], [otherRsa.publicKey, { kid: "a" }]),
      /same `kid`/,
    ],
    ["a key for another algorithm", jwk({ alg: "RS512" }), /RS512/],
    ["a key of another type", jwks([ec.publicKey, {}]), /RSA/],
    ["a broken key", '{"kty":"RSA","n":"AA","e":"AQAB"}', /broken|2048/],
  ];
  for (const [what, text, problem] of bad)
    test(`refuse ${what}`, () => assert.match(String(readKeyFile(text, ["RS256"])), problem));

  test("leave encryption keys aside", () => {
    const text = jwks([rsa.publicKey, { kid: "a" }], [otherRsa.publicKey, { kid: "b", use: "enc" }]);
    assert.deepEqual(
      keysOf(text, ["RS256"]).map(({ kid }) => kid),
      ["a"],
    );
  });

  test("refuse RSA keys that are too short", async () => {
    const { generateKeyPairSync } = await import("node:crypto");
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
    assert.match(String(readKeyFile(jwks([short.publicKey, {}]), ["RS256"])), /2048/);
    assert.ok(createPublicKey(pem));
  });
});
