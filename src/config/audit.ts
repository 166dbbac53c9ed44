import { dirname } from "node:path";
import type { AuditConfig, RedactConfig } from "./config.ts";
import type { Path } from "./finding.ts";
import { keyLabel, printable, shownValue } from "./label.ts";
import type { DocumentInput } from "./schema.ts";
import { requireKey, resolvePath, type SectionContext } from "./section.ts";

/** Checks `[audit]`. The key itself is not read: only the writer process does that. */
export function readAudit(document: DocumentInput, context: SectionContext): AuditConfig | undefined {
  const { audit: input, amnesia } = document;
  if (input === undefined) return undefined;
  const { findings } = context;
  if (input.enabled !== true) {
    // Said in so many words it is meant; otherwise somebody believes that there is evidence.
    if (input.enabled === undefined && input.path !== undefined)
      findings.add({
        code: "Z2116",
        path: ["audit", "path"],
        message: "[audit] says where the log is kept, and not that there is one",
      });
    return undefined;
  }
  if (!amnesia && !requireKey(["audit"], "path", input.path, "[audit]", context)) return undefined;
  if (!/^[A-Za-z0-9][A-Za-z0-9.:_/-]{0,99}$/.test(input.name))
    findings.add({
      code: "Z1106",
      path: ["audit", "name"],
      message: `audit.name: ${shownValue(["audit", "name"], input.name)} cannot be the name of a log`,
      fix: "write a host name and a path, such as edge-1.example.org/audit",
    });
  const path = input.path === undefined ? undefined : resolvePath(input.path, context);
  if (path !== undefined) checkPrivateDirectory(["audit", "path"], path, context);
  const key = keySource(["audit", "key_file"], input.key_file, input.key_env, context);
  if (key === undefined)
    findings.add({
      code: "Z1312",
      path: ["audit"],
      at: "key",
      message: `the audit log has no key: neither \`key_file\` nor $CREDENTIALS_DIRECTORY/audit-hmac-key nor $${printable(input.key_env)}`,
    });
  const previousKey = keySource(
    ["audit", "previous_key_file"],
    input.previous_key_file,
    input.previous_key_env,
    context,
    false,
  );
  return {
    path,
    name: input.name,
    key: key ?? { file: undefined, variable: input.key_env },
    previousKey,
    queueDepth: input.queue_depth,
    segmentBytesMax: input.max_size_mb * 1_048_576,
    segmentsMax: input.max_files,
    syncMs: input.sync_interval_ms,
    checkpointMs: input.checkpoint_secs * 1000,
    anchorPath: input.anchor_path === undefined ? undefined : resolvePath(input.anchor_path, context),
    witnessUrl: readWitness(input.witness_url, context),
    refusesOnFailure: input.on_failure === "refuse",
    requests: input.requests,
  };
}

/** Checks `[redact]`. */
export function readRedact(document: DocumentInput, context: SectionContext): RedactConfig {
  const { redact: input } = document;
  const path: Path = ["redact", "ip_hmac_key_env"];
  let ipKey = "";
  if (input.ip === "hmac") {
    const name = input.ip_hmac_key_env;
    ipKey = (name === undefined ? undefined : context.environment(name)) ?? "";
    if (ipKey.length < 16)
      context.findings.add({
        code: "Z1312",
        path: name === undefined ? ["redact", "ip"] : path,
        message: 'redact.ip = "hmac" needs `ip_hmac_key_env`, a variable with at least 16 bytes',
        fix: "set the variable to random text",
      });
  }
  return {
    headers: input.headers.map((name) => name.toLowerCase()),
    queryParams: input.query_params?.map((name) => name.toLowerCase()),
    jsonFields: input.json_fields.map((name) => name.toLowerCase()),
    ip: input.ip,
    ipKey,
  };
}

/** `amnesia = true` with something that writes to a disk. */
export function checkAmnesia(document: DocumentInput, context: SectionContext): void {
  if (!document.amnesia) return;
  const writes: readonly (readonly [Path, boolean, string])[] = [
    [["server", "state_dir"], document.server?.state_dir !== undefined, "remove it"],
    [["access_log", "path"], document.access_log.enabled && document.access_log.path !== "-", 'write "-"'],
    [
      ["audit", "path"],
      document.audit?.path !== undefined,
      "remove it: the audit log goes to standard output",
    ],
    [["capture", "path"], document.capture !== undefined, "remove [capture]"],
    [["audit", "anchor_path"], document.audit?.anchor_path !== undefined, "remove it, or use a witness"],
  ];
  for (const [path, isSet, fix] of writes) {
    if (!isSet) continue;
    context.findings.add({
      code: "Z1106",
      path,
      message: `${keyLabel(path)} writes to a disk, and \`amnesia\` forbids that`,
      fix,
    });
  }
}

type KeySource = AuditConfig["key"];

/** The first place that has a key; undefined = none has. */
function keySource(
  path: Path,
  file: string | undefined,
  variable: string | undefined,
  context: SectionContext,
  usesCredentials = true,
): KeySource | undefined {
  const credentials = usesCredentials ? context.environment("CREDENTIALS_DIRECTORY") : undefined;
  const credential = credentials === undefined ? undefined : `${credentials}/audit-hmac-key`;
  const hasCredential = credential !== undefined && statOf(credential, context) !== undefined;
  const named = file === undefined ? undefined : resolvePath(file, context);
  const chosen = named ?? (hasCredential ? credential : undefined);
  if (chosen !== undefined) {
    checkSecretFile(path, chosen, context);
    return { file: chosen, variable: undefined };
  }
  const value = variable === undefined ? undefined : context.environment(variable);
  if (variable === undefined || value === undefined) return undefined;
  if (Buffer.byteLength(value) < KEY_BYTES_MIN)
    context.findings.add({
      code: "Z1312",
      path: [path[0]!, "key_env"],
      message: `$${printable(variable)} has fewer than ${KEY_BYTES_MIN} bytes`,
    });
  context.findings.add({
    code: "Z2113",
    path: [path[0]!],
    at: "key",
    message: `the audit key comes from $${printable(variable)}`,
  });
  return { file: undefined, variable };
}

/**
 * Exists, is closed to others, and is long enough. A group may read it: Kubernetes gives mounted secrets to the pod's
 * group, systemd shows its credentials so.
 */
export function checkSecretFile(path: Path, file: string, context: SectionContext): void {
  const stat = statOf(file, context);
  const problem =
    stat === undefined
      ? "it does not exist, or cannot be seen"
      : (stat.mode & 0o027) !== 0
        ? `others can read it, or its group can write it (mode ${octal(stat.mode)})`
        : stat.size !== undefined && stat.size < KEY_BYTES_MIN
          ? `it has fewer than ${KEY_BYTES_MIN} bytes`
          : undefined;
  // Without a file system, as in an editor, there is nothing to look at.
  if (problem === undefined || context.files.stat === undefined) return;
  context.findings.add({
    code: "Z1312",
    path,
    message: `${keyLabel(path)}: ${printable(file)}: ${problem}`,
    label: problem,
  });
}

/** A directory that nobody else can read, or that can be made. */
export function checkPrivateDirectory(path: Path, directory: string, context: SectionContext): void {
  if (context.files.stat === undefined) return;
  const stat = statOf(directory, context);
  const isUnsafe = stat !== undefined && (stat.mode & 0o077) !== 0;
  if (!isUnsafe && (stat !== undefined || statOf(dirname(directory), context) !== undefined)) return;
  context.findings.add({
    code: "Z1312",
    path,
    message: isUnsafe
      ? `${keyLabel(path)}: others can read ${printable(directory)} or write in it (mode ${octal(stat.mode)})`
      : `${keyLabel(path)}: ${printable(dirname(directory))} does not exist`,
    fix: isUnsafe ? `chmod 0700 ${printable(directory)}` : "make it, or choose another directory",
  });
}

function readWitness(url: string | undefined, context: SectionContext): string | undefined {
  if (url === undefined) return undefined;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, "");
  const path: Path = ["audit", "witness_url"];
  context.findings.add({
    code: "Z1106",
    path,
    message: `${keyLabel(path)}: ${shownValue(path, url)} is not a URL`,
  });
  return undefined;
}

export function statOf(
  file: string,
  context: SectionContext,
): { readonly mode: number; readonly size?: number } | undefined {
  try {
    return context.files.stat?.(file);
  } catch {
    return undefined;
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

const KEY_BYTES_MIN = 32;
