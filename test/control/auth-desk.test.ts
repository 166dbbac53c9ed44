import assert from "node:assert/strict";
import { test } from "node:test";
import type { PasswordProfileConfig, TokenProfileConfig } from "../../src/config/config.ts";
import { AuthDesk } from "../../src/control/auth-desk.ts";
import { Issuers } from "../../src/identity/issuers.ts";
import { readKeyFile } from "../../src/identity/jwk.ts";
import { jwks, makeKeys, makeToken } from "../support/tokens.ts";

const { ec } = makeKeys();
const people: PasswordProfileConfig = { kind: "basic", name: "people", entries: [], subjectField: undefined };
const users: TokenProfileConfig = {
  kind: "jwt",
  name: "users",
  issuer: undefined,
  audience: undefined,
  algorithms: ["ES256"],
  keys: [],
  keySource: { id: "one", url: "https://id.test/", caPem: undefined, networks: [], algorithms: ["ES256"] },
  fields: [],
  leewaySecs: 0,
  maxTokenLifetimeSecs: 0,
  requiredClaims: [],
  rolesClaim: "roles",
};

function start() {
  let nowMs = 0;
  const wanted: string[] = [];
  const desk = new AuthDesk({ wantKeys: (source) => wanted.push(source), nowMs: () => nowMs });
  const build = (claims: readonly string[] = []) =>
    desk.build([people, users], claims, () => {
      throw new Error("there is no service");
    });
  return {
    desk,
    wanted,
    build,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

function judge(built: ReturnType<ReturnType<typeof start>["build"]>, kid = "k"): string {
  const bytes = Buffer.from(
    makeToken({ alg: "ES256", kid }, { sub: "ann", exp: 2_000_000_000 }, ec.privateKey),
  );
  const found = new Issuers([built.get("users")!.verifier!]).verify(
    bytes,
    0,
    bytes.length,
    1_900_000_000_000,
  );
  return "code" in found ? found.code : "ok";
}

const keys = readKeyFile(jwks([ec.publicKey, { kid: "k" }]), ["ES256"]);
assert.ok(typeof keys !== "string");

test("profiles whose configuration stays keep what they have verified", () => {
  const { desk, build } = start();
  const first = build();
  desk.commit();
  const second = build();
  assert.equal(second.get("people"), first.get("people"));
  assert.equal(second.get("users"), first.get("users"));
});

test("profiles are built anew where limits count by other claims, also after a candidate that was discarded", () => {
  const { desk, build } = start();
  const first = build();
  desk.commit();
  const discarded = build(["tenant"]);
  const second = build(["tenant"]);
  assert.notEqual(discarded.get("users"), first.get("users"));
  assert.notEqual(second.get("users"), first.get("users"));
  assert.equal(build().get("users"), first.get("users"));
});

test("fetched keys reach profiles in force, those being built, and those that come later", () => {
  const { desk, build } = start();
  const inForce = build();
  desk.commit();
  const candidate = build(["tenant"]);
  assert.deepEqual([judge(inForce), judge(candidate)], ["auth_keys", "auth_keys"]);
  desk.setKeys("one", keys);
  desk.setKeys("another", []);
  assert.deepEqual([judge(inForce), judge(candidate)], ["ok", "ok"]);
  desk.commit();
  assert.equal(judge(build(["role"])), "ok");
  desk.setKeys("one", []);
  assert.equal(judge(candidate), "auth_keys");
});

test("unknown keys are told of once a second, however many tokens name them", () => {
  const { desk, build, wanted, pass } = start();
  const built = build();
  desk.commit();
  desk.setKeys("one", keys);
  for (let i = 0; i < 100; i++) assert.equal(judge(built, `made up ${i}`), "token_kid");
  assert.deepEqual(wanted, ["one"]);
  pass(1000);
  for (let i = 0; i < 100; i++) judge(built, `made up ${i}`);
  assert.deepEqual(wanted, ["one", "one"]);
});

test("a revoked token is refused, remembered or not, until it is let in again", () => {
  const { desk, build } = start();
  const built = build();
  desk.commit();
  desk.setKeys("one", keys);
  const bytes = Buffer.from(
    makeToken({ alg: "ES256", kid: "k" }, { jti: "j", exp: 2_000_000_000 }, ec.privateKey),
  );
  const asked = () => {
    const found = new Issuers([built.get("users")!.verifier!]).verify(
      bytes,
      0,
      bytes.length,
      1_900_000_000_000,
    );
    return "code" in found ? found.code : "ok";
  };
  desk.revoked.change(["j"], []);
  assert.equal(asked(), "token_revoked");
  desk.revoked.change([], ["j"]);
  assert.equal(asked(), "ok");
  desk.revoked.change(["j"], []);
  assert.equal(asked(), "token_revoked");
});
