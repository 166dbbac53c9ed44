import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { TestContext } from "node:test";
import type { AcmeAccountConfig, AcmeCertificateConfig, Config } from "../../src/config/config.ts";
import { AcmeObstacle, acmeProcesses, type StartAcme } from "../../src/control/acme-child.ts";
import { createAcmeDesk } from "../../src/control/acme-desk.ts";
import { openAcmeFiles } from "../../src/control/acme-files.ts";
import { runAcmeTask } from "../../src/control/acme-run.ts";
import type { AcmeNews, AcmeOutcome } from "../../src/control/acme-task.ts";
import { workerFlags } from "../../src/control/flags.ts";
import type { LogFields } from "../../src/control/log.ts";
import type { ToWorker } from "../../src/control/messages.ts";
import type { HttpChallenge } from "../../src/respond/acme-challenges.ts";
import { systemClock } from "../../src/std/clock.ts";
import { newDirectory } from "../support/directory.ts";

export const minuteMs = 60_000;
export const hourMs = 3_600_000;

const root = path.resolve(import.meta.dirname, "../..");

/** What answers http-01 in place of workers. */
export interface Responder {
  readonly port: number;
  challenges: readonly HttpChallenge[];
  /** Instead of the right answers. */
  wrong: boolean;
}

export async function startResponder(t: Pick<TestContext, "after">): Promise<Responder> {
  const server = createServer((request, response) => {
    const found = responder.challenges.find(({ token }) => request.url?.endsWith(token) === true);
    response.end(found === undefined || responder.wrong ? "no" : found.answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  const responder: Responder = {
    port: (server.address() as AddressInfo).port,
    challenges: [],
    wrong: false,
  };
  return responder;
}

export interface DeskOptions {
  /** Kept over several desks. Default: a new one. */
  readonly directory?: string;
  readonly account: Pick<AcmeAccountConfig, "directoryUrl" | "caPem"> & Partial<AcmeAccountConfig>;
  readonly certificates?: readonly Partial<AcmeCertificateConfig>[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Real processes, as in a gateway. Default: tasks run here, one at a time, which takes a tenth of the CPU. */
  readonly processes?: boolean;
}

const processes = acmeProcesses({
  entry: path.join(root, "src/control/acme-process.ts"),
  flags: () => workerFlags({ packageDir: root, workerCount: 1, logPath: undefined }),
  family: { lastGaspFile: undefined, died: () => "crash" },
});

const startHere: StartAcme = (task, hear) => {
  const outcome = new Promise<AcmeOutcome>((resolve) => {
    const say = async (news: AcmeNews): Promise<void> => {
      try {
        await hear(news);
      } catch (cause) {
        const reason = cause instanceof AcmeObstacle ? cause.reason : "disk";
        resolve({ type: "failed", reason, problem: String(cause), retryAfterMs: undefined });
        await new Promise(() => {});
      }
    };
    void runAcmeTask(task, say).then(resolve);
  });
  return { pid: 0, outcome, stop: () => {} };
};

/** A desk whose clock the test sets forward. */
export async function startDesk(t: Pick<TestContext, "after">, responder: Responder, options: DeskOptions) {
  const directory = options.directory ?? stateDirectory();
  const files = openAcmeFiles(directory);
  const events: LogFields[] = [];
  const waiting: (() => void)[] = [];
  let aheadMs = 0;
  const note = (fields: LogFields): void => {
    events.push(fields);
    for (const wake of waiting.splice(0)) wake();
  };
  const account: AcmeAccountConfig = { id: "one", email: undefined, binding: undefined, ...options.account };
  const certificates = (options.certificates ?? [{}]).map(
    (certificate): AcmeCertificateConfig => ({
      name: "a.test",
      domains: ["a.test"],
      account,
      challenge: "http-01",
      keyType: "ecdsa-p256",
      renewBeforeDays: 30,
      issuedPem: undefined,
      ...certificate,
    }),
  );
  const counted: string[] = [];
  const gauges = new Map<string, number>();
  const pids: number[] = [];
  const start = options.processes === true ? processes : startHere;
  const desk = createAcmeDesk({
    start(task, hear) {
      const process = start(task, hear);
      pids.push(process.pid);
      return process;
    },
    broadcast: (message: ToWorker) => {
      if (message.type === "acme_challenges") responder.challenges = message.http;
    },
    taken: async () => true,
    onIssued: () => {},
    environment: options.environment ?? {},
    exposition: {
      set: (name, value, labels) => void gauges.set(`${name} ${labels?.join()}`, value),
      add: (name, labels) => void counted.push(`${name} ${labels.join(" ")}`),
    },
    tell: () => {},
    clock: { nowMs: systemClock.nowMs, wallMs: () => systemClock.wallMs() + aheadMs },
    log: { info: note, warn: note, error: note, fatal: note },
  });
  t.after(() => desk.stop());
  const config = (all = certificates): Config =>
    ({ tls: { acme: { directory, certificates: all } } }) as unknown as Config;
  desk.adopt(config());

  return {
    desk,
    files,
    directory,
    certificates,
    account,
    events,
    counted,
    /** Of the processes that were started. */
    pids,
    /** Metrics by name and labels. */
    gauges,
    /** The nth event of this name (from 1), those that came already included. */
    async event(name: string, count = 1): Promise<LogFields> {
      for (;;) {
        const found = events.filter((fields) => fields["event.name"] === name);
        if (found.length >= count) return found[count - 1]!;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    /** Nothing is under way. */
    async idle(): Promise<void> {
      do await new Promise((resolve) => setTimeout(resolve, 5));
      while (desk.status().certificates.some(({ state }) => state === "ordering"));
    },
    count: (name: string) => events.filter((fields) => fields["event.name"] === name).length,
    /** Sets the clock forward, and has the desk look at it. */
    forward(ms: number, all = certificates): void {
      aheadMs += ms;
      desk.adopt(config(all));
    },
    wallMs: () => systemClock.wallMs() + aheadMs,
  };
}

/** Not made yet. */
export function stateDirectory(): string {
  return path.join(newDirectory("acme"), "acme");
}
