import { z } from "zod";
import { choice, flag, int, optionalFlag, optionalText, optionalTexts, text, texts } from "./keys.ts";

/** `[audit]`. */
export const audit = z.strictObject({
  enabled: optionalFlag(
    "Keep a log of refusals and of what operators do, that shows when it was tampered with. Absent = false.",
  ),
  path: optionalText({
    type: "path",
    example: "/var/lib/zion/audit",
    doc: "Directory of the log, mode 0700; made if the one above it exists. Required, unless `amnesia` is on.",
  }),
  name: text({
    type: "host/path",
    default: "zion/audit",
    doc: "First part of the origin in signed checkpoints, before the log's id. Give each machine its own.",
  }),
  key_file: optionalText({
    type: "path",
    example: "/run/credentials/zion/audit-hmac-key",
    doc: "Root key, at least 32 bytes, mode 0600. Only the writer process reads it, once. Absent = $CREDENTIALS_DIRECTORY/audit-hmac-key, then key_env.",
  }),
  key_env: text({
    type: "environment variable",
    default: "ZION_AUDIT_HMAC_KEY",
    doc: "Variable with the root key, where there is no file. Environments can be read by others: prefer a file.",
  }),
  previous_key_file: optionalText({
    type: "path",
    example: "/run/credentials/zion/audit-hmac-key.old",
    doc: "The key before, for the start that exchanges it: the old key vouches for the new one.",
  }),
  previous_key_env: optionalText({
    type: "environment variable",
    example: "ZION_AUDIT_HMAC_KEY_OLD",
    doc: "The same in a variable.",
  }),
  queue_depth: int({
    min: 16,
    max: 1_000_000,
    default: 4096,
    doc: "Events of one process that may wait for the writer. Further ones are dropped, and the log says which.",
  }),
  max_size_mb: int({
    min: 0,
    max: 1_048_576,
    default: 100,
    doc: "Size of a segment in MiB, after which the next begins; one begins every day too. 0 = by the day only.",
  }),
  max_files: int({
    min: 0,
    max: 1_000_000,
    default: 10,
    doc: "Segments kept, at least 2: the removal of older ones is on record. 0 = all.",
  }),
  sync_interval_ms: int({
    min: 0,
    max: 60_000,
    default: 100,
    doc: "Longest time that a refusal waits for the disk; 256 records do not wait. What operators do never waits.",
  }),
  checkpoint_secs: int({
    min: 1,
    max: 3600,
    default: 10,
    doc: "A signed checkpoint this often, or every 1000 records.",
  }),
  anchor_path: optionalText({
    type: "path",
    example: "/mnt/other/zion-audit.notes",
    doc: "File on another volume that every checkpoint is added to.",
  }),
  witness_url: optionalText({
    type: "URL",
    example: "https://witness.example.org/zion",
    doc: "A witness (`zion audit witness`, or any that speaks C2SP tlog-witness) that is shown every checkpoint.",
  }),
  on_failure: choice(
    ["serve", "refuse"],
    "serve",
    "While nothing can be recorded: serve and be degraded, or refuse requests with 503 and not be ready.",
  ),
  requests: flag(false, "Record every request, not only those that were refused."),
});

/** `[redact]`. */
export const redact = z.strictObject({
  headers: texts({
    type: "array of field names",
    default: [],
    doc: "Header fields whose values are taken out of the access log's include_headers.",
  }),
  query_params: optionalTexts({
    type: "array of names",
    example: ["token", "email"],
    doc: 'Query parameters whose values are taken out of audit records and the access log; "*" = all. Absent = all in audit records, and those that carry credentials by custom in the access log.',
  }),
  json_fields: texts({
    type: "array of names",
    default: [],
    doc: "Fields of what operators do whose values are taken out of audit records.",
  }),
  ip: choice(
    ["full", "truncate", "hmac"],
    "full",
    "Client addresses in audit records and the access log: whole, /24 and /48, or a keyed hash.",
  ),
  ip_hmac_key_env: optionalText({
    type: "environment variable",
    example: "ZION_IP_HMAC_KEY",
    doc: 'Variable with the key for ip = "hmac", at least 16 bytes.',
  }),
});

export type AuditInput = z.infer<typeof audit>;
export type RedactInput = z.infer<typeof redact>;
