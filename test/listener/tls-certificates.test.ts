import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { CertificateConfig } from "../../src/config/config.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { certificateFor, openFront, tlsConfig, visit } from "./tls-front.ts";
import { hasOpenssl, sClient } from "./tls-openssl.ts";

const ecdsa = certificateFor("a.test");
let both: CertificateConfig;
before(() => {
  both = { ...ecdsa, second: makeCertificate({ name: "a.test", key: "rsa:2048" }) };
});

/** What the server signed with, by what the client can verify. */
const choices: readonly (readonly [title: string, args: readonly string[], signed: string])[] = [
  ["only ECDSA", ["-sigalgs", "ECDSA+SHA256"], "ECDSA"],
  ["only RSA", ["-sigalgs", "RSA-PSS+SHA256"], "RSA-PSS"],
  ["both, RSA first", ["-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA256"], "ECDSA"],
  ["TLS 1.2 with suites for RSA only", ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "RSA-PSS"],
  [
    "TLS 1.2 with suites and signatures for ECDSA only",
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-sigalgs", "ECDSA+SHA256"],
    "ECDSA",
  ],
];
for (const isDefault of [true, false]) {
  for (const [title, args, signed] of choices) {
    const place = isDefault ? "the default certificate" : "a name's certificate";
    test(`RSA beside ECDSA as ${place}: a client with ${title} gets ${signed}`, async (t) => {
      if (!hasOpenssl(t)) return;
      const front = await openFront(t, {
        config: tlsConfig({
          minVersion: "1.2",
          ...(isDefault ? { default: both } : { sni: [{ serverName: "a.test", ...both }] }),
        }),
      });
      const names = isDefault ? [["-noservername"], ["-servername", "a.test"]] : [["-servername", "a.test"]];
      for (const name of names)
        assert.match(
          await sClient(front.port, ...name, ...args),
          new RegExp(`Peer signature type: ${signed}\n`),
        );
      assert.deepEqual(front.failures, []);
    });
  }
}

test("the staple of the certificate that is presented goes to clients that ask for one", async (t) => {
  if (!hasOpenssl(t)) return;
  const stapled: string[] = [];
  const front = await openFront(t, {
    config: tlsConfig({ default: both, sni: [{ serverName: "b.test", ...certificateFor("b.test") }] }),
    server: {
      stapleOf: ({ certPath, keyKind }) => {
        stapled.push(`${certPath} ${keyKind}`);
        return keyKind === "rsa" ? undefined : Buffer.from(certPath);
      },
    },
  });
  const staple = async (...args: readonly string[]) => {
    const output = await sClient(front.port, "-status", ...args);
    return /OCSP response: no response sent/.test(output) ? "none" : /OCSP response/.exec(output)?.[0];
  };
  assert.equal(await staple("-servername", "b.test"), "OCSP response");
  assert.equal(await staple("-servername", "a.test"), "OCSP response");
  assert.equal(await staple("-servername", "a.test", "-sigalgs", "RSA-PSS+SHA256"), "none");
  // Nobody knows which of the two it gets: none rather than the wrong one.
  assert.equal(await staple("-noservername"), "none");
  assert.deepEqual(stapled, ["b.test.crt ecdsa", "a.test.crt ecdsa", "a.test.crt rsa"]);
  // Not asked for, not given.
  await visit(front.port, { servername: "b.test" });
  assert.equal(stapled.length, 3);
});

test("the group of each handshake is known, also of resumed ones and of TLS 1.2", async (t) => {
  const front = await openFront(t, { config: tlsConfig({ minVersion: "1.2" }) });
  const groups = ["X25519MLKEM768", "X25519", "prime256v1"];
  for (const group of groups) {
    const { session } = await visit(front.port, { ecdhCurve: group });
    await visit(front.port, { ecdhCurve: group, session: session! });
    // A ticket does not carry the group: the keys are agreed on anew.
    await visit(front.port, { ecdhCurve: group === "X25519" ? "prime256v1" : "X25519", session: session! });
  }
  await visit(front.port, { ecdhCurve: "prime256v1", maxVersion: "TLSv1.2" });
  assert.deepEqual(
    front.secured.map(({ facts }) => `${facts.group}${facts.resumed ? " resumed" : ""}`),
    [
      ...["X25519MLKEM768", "X25519MLKEM768 resumed", "X25519 resumed"],
      ...["X25519", "X25519 resumed", "prime256v1 resumed"],
      ...["prime256v1", "prime256v1 resumed", "X25519 resumed"],
      "prime256v1",
    ],
  );
});

for (const [pqMode, hybrid, classical] of [
  ["prefer", "X25519MLKEM768", "X25519"],
  ["require", "X25519MLKEM768", undefined],
  ["off", undefined, "X25519"],
] as const) {
  test(`pq_mode = "${pqMode}": a client with only one group gets it or an alert`, async (t) => {
    const front = await openFront(t, { config: tlsConfig({ pqMode }) });
    for (const [offered, agreed] of [
      ["X25519MLKEM768", hybrid],
      ["X25519", classical],
    ] as const) {
      const visited = visit(front.port, { ecdhCurve: offered });
      if (agreed === undefined) {
        await assert.rejects(visited);
        assert.equal(front.failures.pop(), "no_shared_cipher");
      } else {
        await visited;
        assert.equal(front.secured.pop()!.facts.group, agreed);
      }
    }
  });
}
