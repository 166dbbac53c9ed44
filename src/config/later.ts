import type { Path } from "./finding.ts";

/**
 * Keys and tables of the reference that this version does not act on. They are refused, never ignored, unless they are
 * set to what this version does anyway (`harmless`).
 */
export interface LaterKey {
  /** Whether this value may stay in the file. */
  readonly harmless: (value: unknown) => boolean;
  /** What to do instead; "" = nothing. */
  readonly instead: string;
}

/** The row for `key` in the table at `table` (array indexes and names included), or undefined. */
export function findLaterKey(table: Path, key: string): LaterKey | undefined {
  const rows = laterKeys[tableName(table)];
  return rows !== undefined && Object.hasOwn(rows, key) ? rows[key] : undefined;
}

/** Names of the later keys of a table. */
export function laterKeysOf(table: Path): readonly string[] {
  return Object.keys(laterKeys[tableName(table)] ?? {});
}

type LaterKeys = Readonly<Record<string, Readonly<Record<string, LaterKey>>>>;

/** `["upstream", "shop"]` → "upstream.*", `["route", 3]` → "route". */
function tableName(table: Path): string {
  const names = table.filter((step) => typeof step === "string");
  if (/^(?:upstream|waf_profile)$/.test(String(names[0])) && names.length > 1) names[1] = "*";
  return names.join(".");
}

function never(instead = ""): LaterKey {
  return { harmless: () => false, instead };
}

function unless(...harmless: readonly unknown[]): LaterKey {
  return { harmless: (value) => harmless.includes(value), instead: "" };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const laterKeys: LaterKeys = {
  sovereign: {
    region: never("no networks come with the gateway: name lists in `classes`"),
    signals: never(),
    signal_listen: never(),
  },
  server: {
    tcp_user_timeout_secs: {
      harmless: (value) => value === 0,
      instead: "`write_timeout_ms` drops clients that stop reading",
    },
    log_queue_lines: unless(8192),
    log_format: unless("json"),
  },
  tls: {
    hot_reload: { harmless: (value) => value === true, instead: "certificate files are always watched" },
    fingerprint: {
      harmless: (value) =>
        isTable(value) && Object.entries(value).every(([k, v]) => k === "mode" && v === "off"),
      instead: "",
    },
  },
  audit: {
    key_id: never("the id is derived from the key"),
  },
  redact: {
    ip_hmac_key: never("keys do not belong into this file: `ip_hmac_key_env`"),
  },
  "waf_profile.*": {
    streaming: unless(false),
  },
  admin: {
    auth: {
      harmless: (value) => value === "internal-ip",
      instead: "`cert_path`, `key_path` and `client_ca_path` ask for client certificates",
    },
    rate_limit_rps: unless(10),
    persist_push: unless(false),
    client_crl_path: never(),
    client_crl_enforce_next_update: unless(false),
    revocations_path: never("revoked tokens are kept in `server.state_dir`"),
  },
};
