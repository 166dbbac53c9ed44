import { X509Certificate } from "node:crypto";
import type { AuditEvent } from "../audit/record.ts";
import { renewalId } from "../cert/renewal.ts";
import type { AcmeAccountConfig, AcmeCertificateConfig, Config } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import type { AcmeProcess, StartAcme } from "./acme-child.ts";
import { dueOf } from "./acme-due.ts";
import { type AcmeFiles, openAcmeFiles } from "./acme-files.ts";
import { type IssueDeps, issueCertificate, resumable } from "./acme-issue.ts";
import {
  type CertificateHistory,
  forgetOrder,
  historyOf,
  type Journal,
  noteFailure,
  noteIssued,
  noteOrder,
  orderAllowedMs,
  printJournal,
  prune,
  readJournal,
} from "./acme-journal.ts";
import { rollOver } from "./acme-rollover.ts";
import { type AcmeShare, type Challenges, noChallenges, openAcmeShare } from "./acme-share.ts";
import { type AcmeStatus, statusOf } from "./acme-status.ts";
import type { AcmeFailure } from "./acme-task.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import type { ToWorker } from "./messages.ts";

export interface AcmeDeskOptions {
  readonly start: StartAcme;
  readonly broadcast: (message: ToWorker) => void;
  /** Whether all workers have taken what was sent to them so far. */
  readonly taken: () => Promise<boolean>;
  /** A certificate was written: it is to be served. */
  readonly onIssued: () => void;
  /** Where keys of external account bindings are. */
  readonly environment: NodeJS.ProcessEnv;
  readonly exposition: Pick<Exposition, "set" | "add">;
  readonly tell: (event: AuditEvent) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Orders and renews the certificates of `[tls.acme]`, one at a time. */
export interface AcmeDesk {
  /** From now on these are wanted. */
  adopt(config: Config): void;
  /** What a new worker is told. */
  news(): ToWorker;
  readonly isOn: boolean;
  /** A name has no certificate, or the directory cannot be used. One line that may be shown to anybody. */
  readonly problem: string | undefined;
  status(): {
    readonly elected: boolean;
    readonly problem?: string;
    readonly certificates: readonly AcmeStatus[];
  };
  /** Orders now, whatever the end of the one in use, within the limits of orders. The problem when it cannot. */
  renew(name: string): string | undefined;
  /** Gives the account of a certificate another key. The problem when it cannot. */
  rollOver(name: string): Promise<string | undefined>;
  stop(): void;
}

/** Clocks jump, and files are removed. */
const lookEveryMs = 3_600_000;
const diskAgainMs = 60_000;
const askFirstMs = 3_600_000;
const askMaxMs = 86_400_000;
const askDefaultMs = 21_600_000;
/** Of one order, after gateways that died over it. */
const resumesMax = 5;

export function createAcmeDesk(options: AcmeDeskOptions): AcmeDesk {
  const { clock, log, exposition } = options;
  let directory: string | undefined;
  let certificates: readonly AcmeCertificateConfig[] = [];
  let share: AcmeShare | undefined;
  let files: AcmeFiles | undefined;
  let journal: Journal = readJournal(undefined);
  let problem: string | undefined;
  let busyWith: string | undefined;
  let process: AcmeProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isWorking = false;
  let isWanted = false;
  /** By an operator. */
  const forced = new Set<string>();
  let open: Challenges = noChallenges;

  const news = (): ToWorker => ({ type: "acme_challenges", ...open });
  const tellWorkers = (challenges: Challenges): Promise<boolean> => {
    open = challenges;
    options.broadcast(news());
    return options.taken();
  };

  const join = (path: string): void => {
    share = openAcmeShare({
      directory: path,
      tellWorkers,
      onElected() {
        log.info({ "event.name": "zion.acme.elected", directory: path }, "orders certificates");
        void work();
      },
      onProblem: setProblem,
    });
  };

  const close = (): void => {
    clearTimeout(timer);
    process?.stop();
    share?.close();
    share = undefined;
    files = undefined;
    if (open !== noChallenges) void tellWorkers(noChallenges);
  };

  /** What is in the directory; nothing is ordered without the journal. */
  const readDirectory = (path: string): void => {
    attempt(() => {
      const opened = openAcmeFiles(path);
      journal = readJournal(opened.journal());
      files = opened;
    });
  };

  const setProblem = (text: string | undefined): void => {
    if (text !== undefined && text !== problem)
      log.error({ "event.name": "zion.acme.directory", problem: text }, "certificates cannot be ordered");
    problem = text;
  };

  /** What needs the disk; false, and the problem known, when it cannot be had. */
  const attempt = (run: () => void): boolean => {
    try {
      run();
      setProblem(undefined);
      return true;
    } catch (cause) {
      setProblem(cause instanceof Error ? cause.message : String(cause));
      return false;
    }
  };

  /** When the certificate may and should be ordered. Throws when the disk does. */
  const planOf = (certificate: AcmeCertificateConfig, held: AcmeFiles) => {
    const history = historyOf(journal, certificate.name);
    const nowMs = clock.wallMs();
    const due = dueOf(certificate, held.certificate(certificate.name), history);
    const wantedMs = forced.has(certificate.name) ? 0 : due.atMs;
    if (
      history.underWay &&
      history.resumed < resumesMax &&
      resumable(certificate, issueDeps(held)) !== undefined
    )
      return { atMs: 0, cause: due.cause, history };
    const allowedMs = orderAllowedMs(history, journal.accounts.get(certificate.account.id) ?? [], nowMs);
    return { atMs: Math.max(wantedMs, allowedMs), cause: due.cause, history };
  };

  /** Everything that is due, one after another; then waits for what is due next. */
  const work = async (): Promise<void> => {
    isWanted = true;
    if (isWorking || share?.isElected !== true) return;
    isWorking = true;
    clearTimeout(timer);
    let nextMs = Number.POSITIVE_INFINITY;
    while (isWanted) {
      isWanted = false;
      nextMs = clock.wallMs() + lookEveryMs;
      // Not before the election: until then another gateway writes there.
      if (files === undefined && share?.isElected === true && directory !== undefined)
        readDirectory(directory);
      if (files === undefined) nextMs = clock.wallMs() + diskAgainMs;
      for (const certificate of certificates) {
        if (share?.isElected !== true || files === undefined) break;
        nextMs = Math.min(nextMs, await see(certificate, files));
      }
    }
    isWorking = false;
    if (share?.isElected !== true) return;
    timer = setTimeout(() => void work(), Math.max(nextMs - clock.wallMs(), 1000)).unref();
  };

  /** Orders it if it is due. Returns when to look again. */
  const see = async (certificate: AcmeCertificateConfig, held: AcmeFiles): Promise<number> => {
    busyWith = certificate.name;
    let atMs = clock.wallMs() + diskAgainMs;
    const plan = () =>
      attempt(() => {
        atMs = planOf(certificate, held).atMs;
      });
    await askWindow(certificate, held);
    plan();
    if (atMs <= clock.wallMs() && files === held) {
      await order(certificate, held);
      plan();
    }
    exposition.set("acmeNextAttempt", Math.round(atMs / 1000), [certificate.name]);
    exposition.set("acmeFailures", historyOf(journal, certificate.name).failures, [certificate.name]);
    busyWith = undefined;
    return atMs;
  };

  const order = async (certificate: AcmeCertificateConfig, held: AcmeFiles): Promise<void> => {
    const { name, account } = certificate;
    const history = historyOf(journal, name);
    const deps = issueDeps(held);
    const begun = begin(certificate, held);
    const failure = "reason" in begun ? begun : await issueCertificate(certificate, deps);
    process = undefined;
    // Whoever stopped it: what it was doing is taken up again.
    if (files !== held) return;
    conclude(certificate, history, failure);
    attempt(() => {
      // It stays counted where the CA may have taken it.
      const isUnheard = failure?.reason === "unreachable" && resumable(certificate, deps) === undefined;
      if (isUnheard && "isNew" in begun && begun.isNew) forgetOrder(journal, name, account.id);
      prune(journal, new Set(certificates.map((one) => one.name)), clock.wallMs());
      held.saveJournal(printJournal(journal));
    });
    if (failure === undefined) options.onIssued();
  };

  /** Not without a record of it: this is what keeps a crash loop from the CA. */
  const begin = (
    certificate: AcmeCertificateConfig,
    held: AcmeFiles,
  ): AcmeFailure | { readonly isNew: boolean } => {
    const { name, account, domains } = certificate;
    const history = historyOf(journal, name);
    forced.delete(name);
    try {
      const { cause } = planOf(certificate, held);
      const isNew = resumable(certificate, issueDeps(held)) === undefined;
      if (isNew) noteOrder(journal, name, account.id, clock.wallMs());
      history.resumed = history.underWay ? history.resumed + 1 : 0;
      history.underWay = true;
      held.saveJournal(printJournal(journal));
      log.info(
        { "event.name": "zion.acme.order", certificate: name, domains, cause },
        "ordering a certificate",
      );
      return { isNew };
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      return { type: "failed", reason: "disk", problem, retryAfterMs: undefined };
    }
  };

  const conclude = (
    { name, account }: AcmeCertificateConfig,
    history: CertificateHistory,
    failure: AcmeFailure | undefined,
  ): void => {
    const nowMs = clock.wallMs();
    exposition.add("acmeOrders", [name, failure?.reason ?? "issued"]);
    if (failure === undefined) {
      noteIssued(history, account.id, nowMs);
      exposition.set("acmeLastSuccess", Math.round(nowMs / 1000), [name]);
      log.info({ "event.name": "zion.acme.issued", certificate: name }, "certificate issued");
      options.tell({ data: { certificate: name, result: "issued" }, kind: "cert_order" });
      return;
    }
    noteFailure(history, failure, nowMs, Math.random());
    const { reason, problem: words } = failure;
    const next = new Date(history.nextMs).toISOString();
    log.error(
      { "event.name": "zion.acme.failed", certificate: name, reason, problem: words, next_attempt: next },
      "no certificate",
    );
    options.tell({ data: { certificate: name, problem: words, result: reason }, kind: "cert_order" });
  };

  /** Asks the CA when it wants to be asked again, where it says (RFC 9773). */
  const askWindow = async (certificate: AcmeCertificateConfig, held: AcmeFiles): Promise<void> => {
    const history = historyOf(journal, certificate.name);
    if (clock.wallMs() < history.askMs) return;
    let id: string | undefined;
    attempt(() => {
      const issuedPem = held.certificate(certificate.name);
      id = issuedPem === undefined ? undefined : renewalId(new X509Certificate(issuedPem));
    });
    if (id === undefined) return;
    const { directoryUrl, caPem } = certificate.account;
    process = options.start({ kind: "renewal", access: { directoryUrl, caPem }, renewalId: id }, () => {});
    const outcome = await process.outcome;
    process = undefined;
    if (files !== held) return;
    if (outcome.type === "renewal") history.window = outcome.window;
    else if (outcome.type === "failed")
      log.warn(
        { "event.name": "zion.acme.window", certificate: certificate.name, problem: outcome.problem },
        "the CA does not say when to renew",
      );
    const againMs = outcome.type !== "renewal" ? askDefaultMs : (outcome.askAgainMs ?? askMaxMs);
    history.askMs = clock.wallMs() + Math.min(Math.max(againMs, askFirstMs), askMaxMs);
    attempt(() => held.saveJournal(printJournal(journal)));
  };

  const issueDeps = (held: AcmeFiles): IssueDeps => ({
    files: held,
    start: options.start,
    environment: options.environment,
    tell: (challenges) => share?.tell(challenges) ?? Promise.resolve(false),
    onProcess: (started) => {
      process = started;
    },
    wallMs: clock.wallMs,
  });

  const find = (name: string): AcmeCertificateConfig | undefined =>
    certificates.find((one) => one.name === name);

  return {
    adopt({ tls }) {
      certificates = tls?.acme?.certificates ?? [];
      if (directory !== tls?.acme?.directory) {
        close();
        directory = tls?.acme?.directory;
        setProblem(undefined);
        if (directory !== undefined) join(directory);
      } else void work();
    },
    news,
    get isOn() {
      return directory !== undefined;
    },
    get problem() {
      if (problem !== undefined) return "the directory of [tls.acme] cannot be used";
      const missing = certificates.filter(({ issuedPem }) => issuedPem === undefined).map(({ name }) => name);
      return missing.length === 0 ? undefined : `no certificate yet: ${missing.slice(0, 10).join(", ")}`;
    },
    status: () => ({
      elected: share?.isElected ?? false,
      ...(problem === undefined ? {} : { problem }),
      certificates: certificates.map((certificate) =>
        statusOf(certificate, {
          history: historyOf(journal, certificate.name),
          plan: files === undefined ? undefined : tryPlan(certificate, files),
          isBusy: busyWith === certificate.name,
          nowMs: clock.wallMs(),
        }),
      ),
    }),
    renew(name) {
      if (find(name) === undefined) return "there is no such certificate in [tls.acme]";
      if (share?.isElected !== true || files === undefined)
        return "another gateway orders, or the directory cannot be used";
      const history = historyOf(journal, name);
      const earlierMs = history.nextMs;
      // An operator does not wait for our patience, but for the limits.
      history.nextMs = 0;
      const freeMs = orderAllowedMs(
        history,
        journal.accounts.get(find(name)!.account.id) ?? [],
        clock.wallMs(),
      );
      if (freeMs > clock.wallMs()) {
        history.nextMs = earlierMs;
        return `too many orders: the next one is possible at ${new Date(freeMs).toISOString()}`;
      }
      forced.add(name);
      void work();
      return undefined;
    },
    async rollOver(name) {
      const account: AcmeAccountConfig | undefined = find(name)?.account;
      if (account === undefined) return "there is no such certificate in [tls.acme]";
      if (share?.isElected !== true || files === undefined)
        return "another gateway orders, or the directory cannot be used";
      if (isWorking) return "an order is under way: try again";
      isWorking = true;
      const result = await rollOver(account, issueDeps(files));
      isWorking = false;
      log.info(
        { "event.name": "zion.acme.rollover", account: account.id, problem: result },
        "account key changed",
      );
      void work();
      return result;
    },
    stop: close,
  };

  function tryPlan(certificate: AcmeCertificateConfig, held: AcmeFiles) {
    try {
      return planOf(certificate, held);
    } catch {
      return undefined;
    }
  }
}
