import type { Config } from "../config/config.ts";
import type { AcmeDesk } from "./acme-desk.ts";
import type { EnvironmentTokens } from "./admin-tokens.ts";
import type { AuditSupply } from "./audit-supply.ts";
import { bindCandidate, type CandidateSockets } from "./candidate-sockets.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import { recordConfig, tellCertificates } from "./config-record.ts";
import { workerCountOf } from "./flags.ts";
import type { IdentityDesk } from "./identity-desk.ts";
import type { ListenerSet } from "./listener-set.ts";
import type { LeveledLog } from "./log.ts";
import type { OperatorListeners } from "./operator-listeners.ts";
import type { Publication } from "./publication.ts";
import type { Candidate, Reloader, ReloadOptions } from "./reload.ts";
import type { Supervision } from "./supervision.ts";
import type { UpstreamDesk } from "./upstream-desk.ts";
import { createWorkerFiles, tryAccessLog } from "./worker-files.ts";

/** For a worker that lives and does not answer; a silent one is killed after 5 s, and then does not count. */
const prepareDeadlineMs = 30_000;

export interface CourseOptions {
  /** The configuration of the start. */
  readonly initial: Config;
  readonly tokens: EnvironmentTokens;
  readonly listeners: ListenerSet;
  readonly supervision: Supervision;
  readonly audit: AuditSupply;
  readonly upstreams: UpstreamDesk;
  readonly identity: IdentityDesk;
  readonly acme: Pick<AcmeDesk, "adopt">;
  readonly certificates: Pick<CertificateDesk, "adopt">;
  /** Made after this; so is the next. */
  readonly reloader: () => Pick<Reloader, "config" | "isClosed">;
  readonly control: () => OperatorListeners;
  /** With the addresses of upstreams as they are now. */
  readonly publication: (candidate: Candidate) => Publication;
  /** It is in force: to all who need nothing else first. */
  readonly adopt: (config: Config) => void;
  readonly log: Pick<LeveledLog, "setLevel">;
}

/** What a configuration goes through on its way into force: all that can fail comes first, and is taken back where it does. */
export function candidateCourse(
  options: CourseOptions,
): Pick<ReloadOptions, "prepare" | "discard" | "commit"> {
  const { tokens, listeners, supervision, audit, upstreams, identity, acme, certificates } = options;
  const { reloader, publication } = options;
  const workerFiles = createWorkerFiles(options.initial);
  let sockets: CandidateSockets | undefined;
  let certified = options.initial;
  return {
    prepare: async (candidate) => {
      const { config } = candidate;
      const problem = tokens.read(config);
      if (problem !== undefined) return { reason: "invalid", problem };
      const logProblem = tryAccessLog(config);
      if (logProblem !== undefined) return { reason: "invalid", problem: logProblem };
      const bound = await bindCandidate(config, listeners, options.control());
      if ("problem" in bound) return bound;
      sockets = bound;
      if (reloader().isClosed) return undefined;
      // The names of both: the old ones serve on whatever comes of the new.
      const before = reloader().config;
      await Promise.all([upstreams.lookUp(before, config), identity.watch(before, config)]);
      const problems = await supervision.prepare(publication(candidate), prepareDeadlineMs);
      if (problems.length > 0) return { reason: "workers", problem: [...new Set(problems)].join("; ") };
      const auditProblem = await audit.prepare(config.audit);
      if (auditProblem !== undefined) return { reason: "audit", problem: auditProblem };
      return recordConfig(audit, candidate);
    },
    discard: ({ generation }) => {
      supervision.discard(generation);
      audit.discard();
      sockets?.discard();
      sockets = undefined;
      const { isClosed, config } = reloader();
      if (isClosed) return;
      void upstreams.lookUp(config);
      void identity.watch(config);
    },
    commit: async ({ generation, config }) => {
      const switched = supervision.commit(generation);
      const auditMove = audit.commit();
      if (auditMove !== "stays") for (const news of audit.greeting()) supervision.broadcast(news);
      if (auditMove === "begins")
        audit.tell({ cfg: generation, data: { by: "reload" }, kind: "config_applied" });
      supervision.rearrange(sockets!.listeners, workerCountOf(config.server), config.server.shutdownGraceMs);
      if (workerFiles.adopt(config)) supervision.renew();
      sockets!.commit();
      sockets = undefined;
      void upstreams.lookUp(config);
      void identity.watch(config);
      options.log.setLevel(config.server.logLevel);
      options.adopt(config);
      // What changed while the workers were between two snapshots.
      for (const news of upstreams.news()) supervision.broadcast(news);
      await switched;
      acme.adopt(config);
      certificates.adopt(config);
      tellCertificates(audit, generation, config, certified);
      certified = config;
    },
  };
}
