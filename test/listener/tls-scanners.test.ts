import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { CertificateConfig } from "../../src/config/config.ts";
import { makeCertificate } from "../cert/peer-certificates.ts";
import { newDirectory } from "../support/directory.ts";
import { hasCommand, longForm, needs } from "../support/shared.ts";
import { certificateFor, openFront, tlsConfig } from "./tls-front.ts";

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", failed);
    child.on("close", () => done(output));
  });
}

/** A server that answers one request as HTTP. */
const open = (t: TestContext, minVersion: "1.2" | "1.3", certificate: CertificateConfig) =>
  openFront(t, {
    config: tlsConfig({ minVersion, default: certificate, alpn: ["h2", "http/1.1"] }),
    server: { alpn: ["h2", "http/1.1"] },
    serve: (socket) => {
      socket.once("data", () =>
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
      );
      socket.on("end", () => socket.end());
    },
  });

test("sslscan finds TLS 1.3 with three suites and two groups, and nothing older", async (t) => {
  if (!needs(t, "sslscan", hasCommand("sslscan"))) return;
  const front = await open(t, "1.3", certificateFor("localhost", "127.0.0.1"));
  const found = await run("sslscan", ["--no-colour", `127.0.0.1:${front.port}`]);
  for (const version of ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2"])
    assert.match(found, new RegExp(`^${version}\\s+disabled$`, "m"));
  assert.match(found, /^TLSv1\.3\s+enabled$/m);
  assert.match(found, /Session renegotiation not supported/);
  const accepted = [...found.matchAll(/^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)/gm)];
  assert.deepEqual(accepted.map(([, , suite]) => suite).sort(), [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
  ]);
  // This sslscan knows no post-quantum groups.
  const groups = [...found.matchAll(/^TLSv1\.3\s+\d+ bits\s+(secp\w+|x\d+|ffdhe\d+)/gm)];
  assert.deepEqual(groups.map(([, group]) => group).sort(), ["secp256r1", "x25519"]);
});

test('with min_version = "1.2" sslscan finds forward secrecy and authenticated encryption only', async (t) => {
  if (!needs(t, "sslscan", hasCommand("sslscan"))) return;
  const front = await open(t, "1.2", {
    ...certificateFor("localhost"),
    second: makeCertificate({ name: "localhost", key: "rsa:2048" }),
  });
  const found = await run("sslscan", ["--no-colour", `127.0.0.1:${front.port}`]);
  assert.match(found, /^TLSv1\.1\s+disabled$/m);
  const accepted = [...found.matchAll(/^(?:Preferred|Accepted)\s+TLSv1\.2\s+\d+ bits\s+(\S+)/gm)];
  assert.deepEqual(accepted.map(([, suite]) => suite).sort(), [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ]);
});

/** testssl.sh of Debian (3.0) gives no grade as a letter; its findings have severities, and OK or INFO is the best. */
const acceptable = new Set(["OK", "INFO", "WARN"]);

// Twenty seconds each: CI looks at the one that offers more.
for (const minVersion of longForm ? (["1.2", "1.3"] as const) : (["1.2"] as const)) {
  test(`testssl.sh has nothing against min_version = "${minVersion}": protocols, forward secrecy, known attacks`, async (t) => {
    if (!needs(t, "testssl", hasCommand("testssl"))) return;
    const front = await open(t, minVersion, certificateFor("localhost", "127.0.0.1"));
    const directory = newDirectory("testssl");
    const file = join(directory, "findings.json");
    const output = await run("testssl", [
      ...["--quiet", "--color", "0", "--warnings", "off", "--fast", "--nodns", "none"],
      ...["--protocols", "--fs", "--vulnerable", "--jsonfile", file, `127.0.0.1:${front.port}`],
    ]);
    const findings = JSON.parse(readFileSync(file, "utf8")) as readonly {
      readonly id: string;
      readonly severity: string;
      readonly finding: string;
    }[];
    const severity = (id: string) => findings.find((one) => one.id === id)?.severity;
    // It looked, and was not stopped by an error of its own.
    for (const id of ["TLS1_3", "SSLv3", "heartbleed", "ROBOT", "BEAST", "LUCKY13"])
      assert.ok(severity(id) !== undefined, `${id} is missing: ${output}`);
    assert.equal(severity("TLS1_3"), "OK");
    assert.deepEqual(
      findings.filter((one) => !acceptable.has(one.severity)),
      [],
    );
  });
}
