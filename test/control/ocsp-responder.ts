import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { CertificateConfig } from "../../src/config/config.ts";
import { newDirectory } from "../support/directory.ts";

export interface ResponderOptions {
  /** Default: any. */
  readonly port?: number;
  readonly issuer: CertificateConfig;
  /** Known to it, with what it says of them: "V" good, "R" revoked. */
  readonly index: readonly (readonly [CertificateConfig, "V" | "R"])[];
  /** Signs in the issuer's place. */
  readonly signer?: CertificateConfig;
  /** Of its answers; 0 = without nextUpdate. */
  readonly validMinutes?: number;
}

/** Starts `openssl ocsp` as a CA's responder; resolves with its URL when it listens. */
export async function startResponder(t: TestContext, options: ResponderOptions): Promise<string> {
  const { issuer, index, signer = issuer, validMinutes = 60 } = options;
  const directory = newDirectory("ocsp");
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const rows = index.map(([{ certPem }, state]) => {
    const leaf = new X509Certificate(certPem);
    const until = leaf.validToDate.toISOString().replace(/[-:T]/g, "").slice(2, 14);
    return [
      state,
      `${until}Z`,
      state === "R" ? "260101000000Z" : "",
      leaf.serialNumber,
      "unknown",
      `/CN=${leaf.serialNumber}`,
    ].join("\t");
  });
  const child = spawn(
    "openssl",
    [
      ...["ocsp", "-port", String(options.port ?? 0), "-timeout", "60"],
      ...[
        "-index",
        file("index.txt", rows.map((row) => `${row}\n`).join("")),
        "-CA",
        file("ca.crt", issuer.certPem),
      ],
      ...["-rsigner", file("signer.crt", signer.certPem), "-rkey", file("signer.key", signer.keyPem)],
      ...(validMinutes === 0 ? [] : ["-nmin", String(validMinutes)]),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const gone = new Promise((done) => child.once("close", done));
  t.after(async () => {
    child.kill("SIGKILL");
    await gone;
  });
  return new Promise((done, failed) => {
    let said = "";
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      const port = /ACCEPT \S+:(\d+)/.exec(said)?.[1];
      if (port !== undefined && /waiting for/i.test(said)) done(`http://127.0.0.1:${port}/`);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("close", () => failed(new Error(said)));
  });
}
