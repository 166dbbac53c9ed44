import { X509Certificate } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { splitChain } from "../cert/chain.ts";
import { pairsOf } from "../cert/inventory.ts";
import { sha256Of } from "../cert/store.ts";
import { responderOf } from "../config/certificate-chain.ts";
import type { CertificateConfig, TlsConfig } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import { writePrivateFile } from "../std/private-file.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";
import { type OcspResult, type OcspTask, refreshMs } from "./ocsp-fetch.ts";

/** OCSP answers that handshakes carry, for the certificates that name a responder. Nothing waits for them. */
export interface Staples {
  /** The certificates in force. */
  adopt(tls: TlsConfig | undefined): void;
  /** For a worker that begins. */
  news(): ToWorker;
  /** What the responder last said about a certificate, by its SHA-256; undefined = it was never reached or is not asked. */
  stateOf(sha256: string): string | undefined;
  stop(): void;
}

export interface StaplesOptions {
  /** Answers survive a restart there. */
  readonly stateDir: string | undefined;
  /** In a process of its own; a string says why there is no answer. */
  readonly fetch: (task: OcspTask) => Promise<OcspResult | string>;
  readonly broadcast: (message: ToWorker) => void;
  readonly exposition: Pick<Exposition, "add">;
  readonly clock: Pick<Clock, "wallMs">;
  readonly log: Log;
}

const retryFirstMs = 300_000;
const retryMaxMs = 3_600_000;
const lookEveryMs = 30_000;

interface Watched {
  readonly sha256: string;
  readonly path: string;
  readonly task: Omit<OcspTask, "cached">;
  answer: OcspResult | undefined;
  state: string;
  nextMs: number;
  failures: number;
}

export function createStaples(options: StaplesOptions): Staples {
  const { fetch, broadcast, exposition, clock, log } = options;
  const directory = options.stateDir === undefined ? undefined : join(options.stateDir, "ocsp");
  let watched = new Map<string, Watched>();
  let isAsking = false;
  let isStopped = false;

  const news = (): ToWorker => ({
    type: "staples",
    staples: [...watched.values()].flatMap(({ sha256, answer }) =>
      answer?.status === "good"
        ? [{ sha256, der: Buffer.from(answer.der), untilMs: answer.nextUpdateMs }]
        : [],
    ),
  });

  /** One after the other: there is no hurry. */
  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    for (const one of [...watched.values()]) {
      if (isStopped || watched.get(one.sha256) !== one || clock.wallMs() < one.nextMs) continue;
      conclude(one, await fetch({ ...one.task, cached: readCached(one.sha256) }));
    }
    isAsking = false;
  };

  const conclude = (one: Watched, result: OcspResult | string): void => {
    const about = { "event.name": "zion.tls.ocsp", path: one.path, url: one.task.url };
    if (typeof result === "string") {
      exposition.add("ocspAnswers", ["failed"]);
      one.state = `no answer: ${result}`;
      one.nextMs = clock.wallMs() + Math.min(retryMaxMs, retryFirstMs * 2 ** one.failures++);
      log.warn({ ...about, problem: result }, "no OCSP answer; handshakes go on without a new one");
      return;
    }
    exposition.add("ocspAnswers", [result.status]);
    one.failures = 0;
    one.answer = result;
    one.state = result.status;
    one.nextMs = Math.max(clock.wallMs() + retryFirstMs, refreshMs(result));
    if (result.status !== "good")
      log.error({ ...about, status: result.status }, "the CA says that this certificate is not good");
    writeCached(one.sha256, result.der);
    if (watched.get(one.sha256) === one) broadcast(news());
  };

  const readCached = (sha256: string): Uint8Array | undefined => {
    if (directory === undefined) return undefined;
    try {
      return readFileSync(join(directory, `${sha256}.der`));
    } catch {
      return undefined;
    }
  };

  const writeCached = (sha256: string, der: Uint8Array): void => {
    if (directory === undefined) return;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writePrivateFile(join(directory, `${sha256}.der`), der);
      for (const file of readdirSync(directory))
        if (!watched.has(file.split(".")[0]!)) rmSync(join(directory, file), { force: true });
    } catch (cause) {
      log.warn(
        { "event.name": "zion.tls.ocsp", problem: String(cause) },
        "an OCSP answer could not be kept for the next start",
      );
    }
  };

  const timer = setInterval(() => void ask(), lookEveryMs);
  timer.unref();

  return {
    adopt(tls) {
      const next = new Map<string, Watched>();
      for (const certificate of tls === undefined ? [] : pairsOf(tls)) {
        const one = watchedOf(certificate);
        if (one !== undefined) next.set(one.sha256, watched.get(one.sha256) ?? one);
      }
      const isLess = [...watched.keys()].some((sha256) => !next.has(sha256));
      watched = next;
      if (isLess) broadcast(news());
      void ask();
    },
    news,
    stateOf: (sha256) => watched.get(sha256)?.state,
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}

/** Undefined: it names no responder, or its issuer's certificate, by which the answer is checked, is not in the file. */
function watchedOf({ certPem, certPath }: CertificateConfig): Watched | undefined {
  const [leafPem, issuerPem] = splitChain(certPem);
  const leaf = new X509Certificate(leafPem!);
  const url = responderOf(leaf);
  if (url === undefined || issuerPem === undefined) return undefined;
  return {
    sha256: sha256Of(leaf),
    path: certPath,
    task: { leafPem: leafPem!, issuerPem, url },
    answer: undefined,
    state: "not asked yet",
    nextMs: 0,
    failures: 0,
  };
}
