/** What readiness is told from. */
export interface Vitals {
  /** Milliseconds since the supervision last ran. */
  readonly sinceTickMs: number;
  readonly servingWorkers: number;
  readonly wantedWorkers: number;
  /** A configuration is in force. */
  readonly configured: boolean;
  /** Of the store that counts limits for several machines. */
  readonly limitStore: "off" | "up" | "down";
  /** Of the mesh: "down" = it has no way to the other edges. */
  readonly mesh: "off" | "up" | "down";
  /** Why the newest one is not, in a line that may be shown to anybody; undefined = it is. */
  readonly configRefused: string | undefined;
  /** Of `[tls.acme]`: undefined = nothing is ordered; "" = all is there; else what is missing. */
  readonly acme: string | undefined;
  /** Of the audit log. */
  readonly audit: "off" | "up" | "degraded" | "down";
  /** Requests are refused while it is down. */
  readonly auditRequired: boolean;
  /** "degraded": a certificate ends within days, or has ended. */
  readonly certificates: "off" | "ok" | "degraded";
  /** "exposed": others can read or write a private key. */
  readonly keys: "off" | "ok" | "exposed";
  /** "missing": `tls.pq_mode = "require"`, and this OpenSSL has no post-quantum group. */
  readonly postQuantum: "off" | "ok" | "missing";
  /** All workers have served once. */
  readonly started: boolean;
  readonly draining: boolean;
  /** Another version has taken over, on the same addresses; this one finishes. */
  readonly replaced: boolean;
}

export type CheckState = "ok" | "degraded" | "fail";

export interface Readiness {
  readonly state: "ready" | "degraded" | "not ready";
  /** Every check that applies. */
  readonly checks: Readonly<Record<string, CheckState>>;
  /** Of those that are not ok: why, in words for anybody. */
  readonly reasons: Readonly<Record<string, string>>;
}

/** Of a check that applies: undefined = it is as it should be. */
type Result = undefined | readonly [Exclude<CheckState, "ok">, string];

/**
 * Whether clients should be sent here (reliability.md C36). Degraded: they are served as they should be, and somebody
 * should look. A probe that was under way at an upgrade asks for the gateway, not for this process.
 */
export function readinessOf(vitals: Vitals): Readiness {
  if (vitals.replaced) return { state: "ready", checks: {}, reasons: {} };
  const states: Record<string, CheckState> = {};
  const reasons: Record<string, string> = {};
  for (const [name, { applies, look }] of Object.entries(checks)) {
    if (!applies(vitals)) continue;
    const result = look(vitals);
    states[name] = result?.[0] ?? "ok";
    if (result !== undefined) reasons[name] = result[1];
  }
  const all = Object.values(states);
  const state = all.includes("fail") ? "not ready" : all.includes("degraded") ? "degraded" : "ready";
  return { state, checks: states, reasons };
}

/** `zion_readyz_state`. */
export const readinessNumbers: Readonly<Record<Readiness["state"], number>> = {
  "not ready": 0,
  ready: 1,
  degraded: 2,
};

interface Check {
  readonly applies: (vitals: Vitals) => boolean;
  readonly look: (vitals: Vitals) => Result;
}

const always = () => true;

const checks: Readonly<Record<string, Check>> = {
  config: {
    applies: always,
    look: ({ configured, configRefused }) => {
      if (!configured) return ["fail", "no configuration is in force"];
      // The old one serves: no reason to send clients elsewhere.
      return configRefused === undefined ? undefined : ["degraded", `refused: ${configRefused}`];
    },
  },
  startup: {
    applies: always,
    look: ({ started }) => (started ? undefined : ["fail", "it has not served yet"]),
  },
  draining: {
    applies: always,
    look: ({ draining }) => (draining ? ["fail", "it is stopping, or taken out by an operator"] : undefined),
  },
  workers: {
    applies: always,
    look: ({ servingWorkers, wantedWorkers }) => {
      if (servingWorkers === 0) return ["fail", "no worker serves"];
      if (servingWorkers >= wantedWorkers) return undefined;
      return ["degraded", `${servingWorkers} of ${wantedWorkers} serve`];
    },
  },
  key_permissions: {
    applies: ({ keys }) => keys !== "off",
    look: ({ keys }) => (keys === "exposed" ? ["fail", "others can read or write a private key"] : undefined),
  },
  post_quantum: {
    applies: ({ postQuantum }) => postQuantum !== "off",
    look: ({ postQuantum }) =>
      postQuantum === "missing" ? ["fail", "it is required, and OpenSSL does not have it"] : undefined,
  },
  audit: {
    applies: ({ audit }) => audit !== "off",
    look: ({ audit, auditRequired }) => {
      if (audit === "up") return undefined;
      const reason = audit === "down" ? "nothing is recorded" : "the log is not what was written";
      // What cannot be recorded is served all the same, unless the configuration says otherwise: where evidence is
      // required, a log that is not what was written is none.
      return [auditRequired ? "fail" : "degraded", reason];
    },
  },
  // Some clients look away from the date, and the other names are fine: traffic is not dropped by ourselves.
  tls_certs: {
    applies: ({ certificates }) => certificates !== "off",
    look: ({ certificates }) =>
      certificates === "degraded" ? ["degraded", "one ends within days, or has ended"] : undefined,
  },
  // Other names, and plain HTTP, are served.
  acme: {
    applies: ({ acme }) => acme !== undefined,
    look: ({ acme }) => (acme === undefined || acme === "" ? undefined : ["degraded", acme]),
  },
  // Limits go on as each says in `on_store_error`.
  limit_store: {
    applies: ({ limitStore }) => limitStore !== "off",
    look: ({ limitStore }) => (limitStore === "down" ? ["degraded", "it does not answer"] : undefined),
  },
  // Gates decide by what this machine sees, as without a mesh.
  mesh: {
    applies: ({ mesh }) => mesh !== "off",
    look: ({ mesh }) => (mesh === "down" ? ["degraded", "the store of the mesh does not answer"] : undefined),
  },
};
