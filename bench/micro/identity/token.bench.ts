/** Time to verify a bearer token, new and seen before: `node bench/micro/identity/token.bench.ts`. */
import { Issuers } from "../../../src/identity/issuers.ts";
import { readKeyFile } from "../../../src/identity/jwk.ts";
import { TokenVerifier } from "../../../src/identity/token-verifier.ts";
import { jwks, makeKeys, makeToken } from "../../../test/support/tokens.ts";
import { printFigure } from "../figure.ts";

const TOKENS = 1_000;
const ROUNDS = 50;

const { rsa, ec, ed } = makeKeys();
const algorithms = ["ES256", "RS256", "EdDSA"];
const keys = readKeyFile(
  jwks([rsa.publicKey, { kid: "RS256" }], [ec.publicKey, { kid: "ES256" }], [ed.publicKey, { kid: "EdDSA" }]),
  algorithms,
);
if (typeof keys === "string") throw new Error(keys);
const nowMs = Date.now();
const privateKeys = { ES256: ec.privateKey, RS256: rsa.privateKey, EdDSA: ed.privateKey };

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

for (const [alg, key] of Object.entries(privateKeys)) {
  const verifier = new TokenVerifier({
    issuer: "https://id.test",
    audience: "shop",
    leewaySecs: 30,
    lifetimeMaxSecs: 86_400,
    required: [],
    algorithms,
    keys,
    fields: [{ claim: "sub", field: "X-Auth-Subject" }],
    countedClaims: ["tenant"],
    revoked: new Set(),
    rolesPath: ["roles"],
  });
  const issuers = new Issuers([verifier]);
  const claims = { iss: "https://id.test", aud: "shop", exp: nowMs / 1000 + 600, scope: "read write" };
  const tokens = Array.from({ length: TOKENS }, (_none, index) =>
    Buffer.from(makeToken({ alg, kid: alg }, { ...claims, sub: `user-${index}` }, key)),
  );
  const once = (): void => {
    for (const token of tokens) {
      if ("code" in issuers.verify(token, 0, token.length, nowMs)) throw new Error(`${alg} is refused`);
    }
  };
  // What the compiler needs to know, it learns before the clock runs.
  once();
  verifier.setKeys(keys);
  let startedUs = cpuUs();
  once();
  const newUs = (cpuUs() - startedUs) / TOKENS;
  startedUs = cpuUs();
  for (let round = 0; round < ROUNDS; round++) once();
  const seenUs = (cpuUs() - startedUs) / (TOKENS * ROUNDS);
  if (alg === "ES256") {
    printFigure({ title: "token, ES256: new", limitUs: 150, us: [newUs] });
    printFigure({ title: "token, ES256: seen before", limitUs: 2, us: [seenUs] });
  }
  process.stdout.write(
    `${alg.padEnd(6)} ${tokens[0]!.length} bytes: new ${newUs.toFixed(1)} us, seen ${seenUs.toFixed(2)} us\n`,
  );
}
