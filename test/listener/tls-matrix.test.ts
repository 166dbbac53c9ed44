import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { certificateFor, openFront, tlsConfig, visit } from "./tls-front.ts";
import { hasOpenssl, sClient } from "./tls-openssl.ts";

// Every combination that a client can come with, by two TLS libraries: Node's own OpenSSL, and the system's `openssl`.
const versions = ["TLSv1.2", "TLSv1.3"] as const;
const groups = ["X25519MLKEM768", "X25519", "prime256v1", "secp384r1"] as const;
const protocols = [[], ["h2"], ["http/1.1"], ["h2", "http/1.1"], ["spdy/3", "h2"], ["spdy/3"]] as const;
const names = [undefined, "localhost", "LOCALHOST.", "a.wild.test", "unknown.test"] as const;
const suites = {
  "TLSv1.2": [
    ["ECDHE-ECDSA-AES128-GCM-SHA256", true],
    ["ECDHE-ECDSA-CHACHA20-POLY1305", true],
    ["ECDHE-ECDSA-AES256-SHA384", false],
    ["AES128-GCM-SHA256", false],
  ],
  "TLSv1.3": [
    ["TLS_AES_128_GCM_SHA256", true],
    ["TLS_AES_256_GCM_SHA384", true],
    ["TLS_CHACHA20_POLY1305_SHA256", true],
    ["TLS_AES_128_CCM_SHA256", false],
  ],
} as const;

const wild = certificateFor("*.wild.test");
const alpn = ["h2", "http/1.1"];

interface Case {
  readonly version: (typeof versions)[number];
  readonly group: (typeof groups)[number];
  readonly protocols: readonly string[];
  readonly name: string | undefined;
  readonly suite: string;
  readonly works: boolean;
  /** What must be agreed on. */
  readonly alpn: string;
}

function allCases(minVersion: "1.2" | "1.3"): readonly Case[] {
  return versions.flatMap((version) =>
    groups.flatMap((group) =>
      protocols.flatMap((offered) =>
        names.flatMap((name) =>
          suites[version].map(([suite, isServed]): Case => {
            const common = alpn.find((protocol) => (offered as readonly string[]).includes(protocol));
            const works =
              isServed &&
              (version === "TLSv1.3" || minVersion === "1.2") &&
              group !== "secp384r1" &&
              // TLS 1.2 has no hybrid groups.
              !(version === "TLSv1.2" && group === "X25519MLKEM768") &&
              (offered.length === 0 || common !== undefined);
            return { version, group, protocols: offered, name, suite, works, alpn: common ?? "" };
          }),
        ),
      ),
    ),
  );
}

for (const minVersion of ["1.3", "1.2"] as const) {
  const cases = allCases(minVersion);
  test(`min_version = "${minVersion}": ${cases.length} combinations of version, suite, group, ALPN and SNI, by Node`, async (t) => {
    const front = await openFront(t, {
      config: tlsConfig({ minVersion, alpn, sni: [{ serverName: "*.wild.test", ...wild }] }),
      server: { alpn },
    });
    for (const one of cases) {
      const asked: ConnectionOptions = {
        minVersion: one.version,
        maxVersion: one.version,
        // In TLS 1.2 the curve of an ECDSA certificate must be among the client's groups (RFC 8422 §5.1.1).
        ecdhCurve: one.version === "TLSv1.2" && one.group === "X25519" ? "X25519:prime256v1" : one.group,
        ciphers: one.suite,
        ...(one.protocols.length === 0 ? {} : { ALPNProtocols: [...one.protocols] }),
        ...(one.name === undefined ? {} : { servername: one.name }),
      };
      const outcome = await visit(front.port, asked).then(
        ({ name }) => {
          const { facts } = front.secured.pop()!;
          return `${facts.protocol} ${facts.group} ${facts.alpn} ${name}`;
        },
        () => "refused",
      );
      const expected = `${one.version} ${one.group} ${one.alpn} ${one.name === "a.wild.test" ? "*.wild.test" : "localhost"}`;
      assert.equal(outcome, one.works ? expected : "refused", JSON.stringify(one));
    }
    await front.emptied();
  });
}

test("the system's openssl, another version of the library, agrees: versions, groups, suites, ALPN, SNI", async (t) => {
  if (!hasOpenssl(t)) return;
  const front = await openFront(t, {
    config: tlsConfig({ minVersion: "1.2", alpn, sni: [{ serverName: "*.wild.test", ...wild }] }),
    server: { alpn },
  });
  const rows: readonly (readonly [args: readonly string[], expected: RegExp])[] = [
    [["-tls1_3", "-groups", "X25519"], /New, TLSv1\.3/],
    [["-tls1_3", "-groups", "P-256"], /New, TLSv1\.3/],
    [["-tls1_3", "-groups", "P-384"], /alert handshake failure/],
    [["-tls1_2", "-groups", "P-256"], /Protocol *: TLSv1\.2/],
    [["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], /alert protocol version/],
    [["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], /TLS_CHACHA20_POLY1305_SHA256/],
    [["-tls1_2", "-cipher", "AES128-GCM-SHA256"], /alert handshake failure/],
    [["-alpn", "http/1.1,h2"], /ALPN protocol: h2/],
    [["-alpn", "spdy/3"], /alert no application protocol/],
    [["-servername", "A.wild.TEST"], /subject=CN\s*=\s*\*\.wild\.test/],
    [["-noservername"], /subject=CN\s*=\s*localhost/],
  ];
  for (const [args, expected] of rows)
    assert.match(await sClient(front.port, ...args), expected, args.join(" "));
});
