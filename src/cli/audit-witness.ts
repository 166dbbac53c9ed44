import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { holdDirectory } from "../audit/directory-lock.ts";
import { fileDisk } from "../audit/file-disk.ts";
import { cosigner, readVkey } from "../audit/note.ts";
import { addCheckpoint, signedCheckpoints, type WitnessOptions } from "../audit/witness.ts";
import { systemClock } from "../std/clock.ts";
import { auditUnusable } from "./audit-verify.ts";
import type { Output } from "./output.ts";

export interface AuditWitnessOptions {
  readonly dir: string;
  readonly name: string;
  readonly log: readonly string[];
  readonly host: string;
  readonly port: number;
}

/** `zion audit witness`: serves until a signal ends it. TLS and who may come here are a proxy's business. */
export async function auditWitnessCommand(options: AuditWitnessOptions, output: Output): Promise<number> {
  const keys = options.log.map(readVkey);
  const bad = keys.find((key) => typeof key === "string");
  if (bad !== undefined || keys.length === 0 || !/^[^\s+]{1,100}$/.test(options.name)) {
    output.err.write(
      `error: ${bad === undefined ? "give a name, and --log with the key of a log" : `--log: ${String(bad)}`}\n`,
    );
    return auditUnusable;
  }
  const held = await holdDirectory(options.dir);
  if (typeof held === "string") {
    output.err.write(`error: ${options.dir}: ${held === "held" ? "another process uses it" : held}\n`);
    return auditUnusable;
  }
  const signer = cosigner(options.name, ownKey(`${options.dir}/witness.key`), systemClock.wallMs);
  const witness: WitnessOptions = {
    signer,
    keys: keys.filter((key) => typeof key !== "string"),
    disk: fileDisk(options.dir),
  };
  const server = http.createServer((request, answer) => serve(request, answer, witness));
  server.requestTimeout = 10_000;
  server.maxConnections = 256;
  await new Promise<void>((resolve) => server.listen(options.port, options.host, resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  // Who reads that it listens may end it at once.
  output.out.write(`witness ${signer.vkey}\nlistening on http://${options.host}:${port}\n`);
  await ended;
  server.close();
  server.closeAllConnections();
  return 0;
}

function serve(request: http.IncomingMessage, answer: http.ServerResponse, witness: WitnessOptions): void {
  const say = (status: number, body: string, type = "text/plain; charset=utf-8"): void => {
    answer.writeHead(status, { "content-type": type }).end(body);
  };
  if (request.method === "GET" && request.url?.endsWith("/checkpoints")) {
    say(200, signedCheckpoints(witness));
    return;
  }
  if (request.method !== "POST" || request.url?.endsWith("/add-checkpoint") !== true) {
    say(404, "not found\n");
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= BODY_BYTES_MAX) chunks.push(chunk);
    else request.destroy();
  });
  request.on("error", () => {});
  request.on("end", () => {
    const { status, body } = addCheckpoint(Buffer.concat(chunks).toString("utf8"), witness);
    say(status, body, status === 409 ? "text/x.tlog.size" : undefined);
  });
}

const BODY_BYTES_MAX = 65_536;

/** Made at the first start. */
function ownKey(file: string): KeyObject {
  if (existsSync(file)) return createPrivateKey(readFileSync(file));
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(file, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600, flag: "wx" });
  return privateKey;
}
