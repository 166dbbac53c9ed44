import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import { appendAnchor, readAnchors } from "../audit/anchor-file.ts";
import { Desk } from "../audit/desk.ts";
import { holdDirectory } from "../audit/directory-lock.ts";
import { errorCode } from "../audit/disk.ts";
import { fileDisk } from "../audit/file-disk.ts";
import { Journal } from "../audit/journal.ts";
import { hashesOf, segmentsOf } from "../audit/log-proof.ts";
import { ROOT_KEY_BYTES_MIN, secretFrom } from "../audit/mac-key.ts";
import { derivedSigningKey, noteSigner } from "../audit/note.ts";
import { policyOf } from "../audit/policy.ts";
import { consistencyRanges } from "../audit/proof.ts";
import { recheckLog } from "../audit/recheck.ts";
import { recoverLog } from "../audit/recovery.ts";
import { streamDisk } from "../audit/stream-disk.ts";
import { WitnessClient } from "../audit/witness-client.ts";
import type { AuditConfig } from "../config/config.ts";
import { families, type MetricSample } from "../record/metrics.ts";
import { machineOffsetMs, systemClock } from "../std/clock.ts";
import { askWitness } from "./ask-witness.ts";
import type { AuditCheckpoint, AuditLogHead, FromAuditWriter, ToAuditWriter } from "./audit-order.ts";

/** Refuses to start: the operator has to do something first. */
class Refusal extends Error {}

/**
 * The audit writer: the one process that has the key. No bytes of a client, no network but the witness. It outlives the
 * primary until nobody is connected any more.
 */
export async function runAuditWriter(
  order: ToAuditWriter & { readonly type: "start" },
  send: (message: FromAuditWriter) => void,
  exit: (code: number) => void,
): Promise<{ stop(): void; primaryLost(): void }> {
  try {
    return await serve(order, send, exit);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send({ type: "refused", problem: error.message });
    exit(0);
    return { stop: () => {}, primaryLost: () => {} };
  }
}

async function serve(
  { config, socket, token, version }: ToAuditWriter & { readonly type: "start" },
  send: (message: FromAuditWriter) => void,
  exit: (code: number) => void,
): Promise<{ stop(): void; primaryLost(): void }> {
  const root = readRoot(config.key);
  const previousRoot = config.previousKey === undefined ? undefined : readRoot(config.previousKey);
  const roots = previousRoot === undefined ? [root] : [root, previousRoot];
  const signers = roots.map((key) => noteSigner(config.name, derivedSigningKey(key, config.name)));
  const lock =
    config.path === undefined ? undefined : await takeDirectory(config.path, () => send({ type: "waits" }));
  const disk = config.path === undefined ? streamDisk(1) : fileDisk(config.path);
  const anchors = config.anchorPath === undefined ? [] : readAnchors(config.anchorPath);
  const policy = policyOf(signers.map(({ vkey }) => vkey));

  const recovery = recoverLog(disk, roots, policy, anchors);
  if (recovery.kind === "wrong_key")
    throw new Refusal(
      `the log ${recovery.logId} was written with the key ${recovery.rootId}: give it as the previous key to exchange it`,
    );
  let alarm = recovery.kind === "untrusted" ? recovery.problem : "";
  let anchoredMs = 0;
  let anchorFailures = 0;
  let anchorProblem = "";
  const witness = config.witnessUrl === undefined ? undefined : openWitness(config.witnessUrl);
  const offsetMs = machineOffsetMs();
  const clock = { nowMs: () => systemClock.nowMs() + offsetMs, wallMs: systemClock.wallMs };

  const journal = Journal.open(
    {
      disk,
      settings: {
        name: config.name,
        segmentBytesMax: config.segmentBytesMax === 0 ? Infinity : config.segmentBytesMax,
        segmentMsMax: DAY_MS,
        segmentsMax: config.segmentsMax,
        checkpointRecords: 1000,
        checkpointMs: config.checkpointMs,
        heartbeatMs: 10_000,
        keyStepMs: 600_000,
        reserveBytes: config.path === undefined ? 0 : 8_388_608,
      },
      root,
      previousRoot,
      signers,
      clock,
      random: randomBytes,
      onCheckpoint: (note, size) => onCheckpoint(note, size),
      onLeaf: (leaf) => witness?.grow(leaf),
    },
    recovery,
    { pid: process.pid, version },
  );

  function onCheckpoint(note: string, size: number): void {
    if (config.anchorPath !== undefined) {
      try {
        appendAnchor(config.anchorPath, note);
        anchoredMs = clock.wallMs();
        anchorProblem = "";
      } catch (error) {
        anchorFailures++;
        anchorProblem = `${config.anchorPath}: ${errorCode(error)}`;
      }
    }
    // During the first steps of a start there is no journal yet; the next checkpoint is shown.
    queueMicrotask(() => witness?.show(note, size, journal));
  }

  function openWitness(url: string): WitnessClient {
    return new WitnessClient({
      post: (body) =>
        askWitness(`${url}/add-checkpoint`, { body, bytesMax: WITNESS_BYTES_MAX, deadlineMs: WITNESS_MS }),
      proveFrom: (old, size) => hashesOf(disk, journal.logId, consistencyRanges(old, size), old, size),
      onCosigned: (note) => {
        anchoredMs = clock.wallMs();
        if (config.path !== undefined) disk.replace("checkpoint.cosigned", Buffer.from(note));
      },
      onConflict: (problem) => {
        alarm = problem;
      },
    });
  }

  const desk = new Desk({ journal, token, syncMs: config.syncMs, nowMs: clock.nowMs });
  let verifiedMs = clock.wallMs();
  let integrityFailures = recovery.kind === "untrusted" ? 1 : 0;
  let recheck: Generator<void, string | undefined, void> | undefined;
  let recheckDueMs = clock.nowMs() + RECHECK_MS;

  const look = (): void => {
    if (config.path === undefined) return;
    if (recheck === undefined && clock.nowMs() >= recheckDueMs) {
      recheckDueMs = clock.nowMs() + RECHECK_MS;
      const { segment } = journal;
      const present = segmentsOf(disk, journal.logId).filter((number) => number >= segment - 1);
      recheck = recheckLog(disk, journal.logId, present, journal.durableSize, journal.tree().root());
    }
    if (recheck === undefined) return;
    const step = recheck.next();
    if (step.done !== true) return void setImmediate(look);
    recheck = undefined;
    if (step.value === undefined) verifiedMs = clock.wallMs();
    else {
      integrityFailures++;
      alarm = step.value;
    }
  };

  const server = net.createServer((peer) => {
    const { hear, leave } = desk.join(peer);
    peer.on("data", hear);
    peer.on("error", () => {});
    peer.on("close", leave);
  });
  await listen(server, socket);

  let isStopping = false;
  let isAlone = false;
  let quietMs = clock.nowMs();
  const report = (): void => {
    const problem = journal.isFull ? "the disk is full" : "";
    const tamper = journal.tampers > 0 ? "somebody else changed a segment" : "";
    send({
      type: "state",
      samples: samplesOf(),
      problem,
      warning: alarm || tamper,
      unanchored: unanchored(),
      head: headOf(),
      checkpoint: checkpointOf(),
    });
  };
  function unanchored(): string {
    const refusal = witness?.problem ?? "";
    return anchorProblem || (refusal === "" ? "" : `the witness: ${refusal}`);
  }
  function checkpointOf(): AuditCheckpoint | undefined {
    if (journal.checkpointSize < 0) return undefined;
    const signedMs = clock.wallMs() - journal.checkpointAgeMs(clock.nowMs());
    return { size: journal.checkpointSize, signedMs };
  }
  function headOf(): AuditLogHead | undefined {
    const tree = journal.tree();
    if (tree.size !== journal.durableSize) return undefined;
    const log = createHash("sha256").update(journal.logId).digest("hex").slice(0, 32);
    return { log, size: tree.size, root: tree.root().toString("hex") };
  }
  function samplesOf(): MetricSample[] {
    const of = (family: { readonly name: string }, value: number): MetricSample => ({
      name: family.name,
      labels: [],
      value,
    });
    return [
      of(families.auditWriterUp, journal.isFull ? 0 : 1),
      of(families.auditEvents, desk.events),
      of(families.auditTreeSize, journal.durableSize),
      of(families.auditCheckpointSize, Math.max(0, journal.checkpointSize)),
      of(families.auditAnchored, anchoredMs / 1000),
      of(families.auditAnchorFailures, anchorFailures + (witness?.failures ?? 0)),
      of(families.auditVerified, verifiedMs / 1000),
      of(families.auditIntegrityFailed, integrityFailures + journal.tampers),
    ];
  }

  setInterval(() => {
    desk.tick();
    look();
    if (!isAlone) report();
    if (desk.peers > 0) quietMs = clock.nowMs();
    // A worker that was just forked needs a moment to come here.
    if ((isStopping || isAlone) && clock.nowMs() - quietMs > QUIET_MS) {
      desk.close();
      server.close();
      lock?.close();
      exit(0);
    }
  }, TICK_MS);
  send({ type: "ready", logId: journal.logId, alarm });
  report();
  return {
    stop: () => {
      isStopping = true;
      quietMs = clock.nowMs();
    },
    primaryLost: () => {
      isAlone = true;
      quietMs = clock.nowMs();
    },
  };
}

const TICK_MS = 500;
const LOCK_POLL_MS = 100;
const QUIET_MS = 400;
const DAY_MS = 86_400_000;
const RECHECK_MS = 3_600_000;
const WITNESS_MS = 5000;
/** A line or two of 110 bytes (C2SP tlog-witness), or the size of a log. */
const WITNESS_BYTES_MAX = 10_000;

function readRoot({ file, variable }: AuditConfig["key"]) {
  const bytes = file === undefined ? Buffer.from(process.env[variable!] ?? "") : readKeyFile(file);
  const end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
  if (end < ROOT_KEY_BYTES_MIN) throw new Refusal(`the audit key has fewer than ${ROOT_KEY_BYTES_MIN} bytes`);
  const key = secretFrom(Buffer.from(bytes.subarray(0, end)));
  bytes.fill(0);
  return key;
}

function readKeyFile(file: string): Buffer {
  let fd: number;
  try {
    fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    throw new Refusal(`the audit key ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile() || stat.size > 4096) throw new Refusal(`the audit key ${file} is no key file`);
    // As src/config/audit.ts has it: a group may read.
    if ((stat.mode & 0o027) !== 0)
      throw new Refusal(`others can read the audit key ${file}, or its group can write it`);
    const bytes = Buffer.alloc(stat.size);
    fs.readSync(fd, bytes);
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}

/** Waits for the predecessor of an upgrade or a reload, which finishes; until then events wait in their processes. */
async function takeDirectory(directory: string, onHeld: () => void): Promise<net.Server> {
  for (let isFirst = true; ; isFirst = false) {
    const held = await holdDirectory(directory);
    if (typeof held !== "string") return held;
    if (held !== "held") throw new Refusal(`the audit directory ${directory}: ${held}`);
    if (isFirst) onHeld();
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

async function listen(server: net.Server, path: string): Promise<void> {
  if (!path.startsWith("\0")) fs.rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", () => {});
}
