import type { KeptPair } from "../cert/kept-pairs.ts";
import { systemClock } from "../std/clock.ts";
import { parseRules, type RuleFile } from "../waf/parse-rules.ts";
import type { RuleReader } from "../waf/rule-memory.ts";
import { readAccessLog } from "./access-log.ts";
import { readAcme } from "./acme.ts";
import { checkAmnesia, readAudit, readRedact } from "./audit.ts";
import { readAuthProfiles } from "./auth.ts";
import { readBan } from "./ban.ts";
import { checkCacheProfiles } from "./cache.ts";
import { readCapture } from "./capture.ts";
import { codes } from "./codes.ts";
import { readCompression } from "./compression.ts";
import type { Config } from "./config.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { readErrorPages } from "./error-pages.ts";
import type { FileAccess } from "./files.ts";
import { createFindings, type Findings } from "./finding.ts";
import { readHeaderProfiles } from "./header-profile.ts";
import { readLimitStore } from "./limit-store.ts";
import { readLimits } from "./limits.ts";
import { readLists } from "./lists.ts";
import { readMesh } from "./mesh.ts";
import { placeFindings } from "./position.ts";
import { type Rename, readOldNames, renames } from "./renames.ts";
import { readRoutes } from "./routes.ts";
import { directoryOf, resolvePath, type SectionContext } from "./section.ts";
import { readServer } from "./server.ts";
import { shapeDocument } from "./shape.ts";
import { readRuleFiles, shippedRules } from "./shipped-rules.ts";
import { readSovereign } from "./sovereign.ts";
import { readTarpit } from "./tarpit.ts";
import { readTls } from "./tls.ts";
import { decodeToml, parseToml } from "./toml.ts";
import { readTracing } from "./tracing.ts";
import { readUpstreams } from "./upstreams.ts";
import { readWaf } from "./waf.ts";

export interface ParseOptions extends FileAccess {
  /** How diagnostics name the file; relative paths in it start at its directory. "<stdin>" = the working directory. */
  readonly file: string;
  /** Milliseconds since the epoch, for certificate dates. Default: the system's clock. */
  readonly now?: () => number;
  /** Value of an environment variable. Default: those of this process. */
  readonly environment?: (name: string) => string | undefined;
  /** At a start: the pair that was in force last, kept in the state directory. Default: half a pair is refused. */
  readonly keptPair?:
    | ((stateDir: string, certPath: string, keyPath: string) => KeptPair | undefined)
    | undefined;
  /** The rule files of the package. Default: those on disk; throws when they cannot be read. */
  readonly builtinRules?: () => readonly RuleFile[];
  /** Reads rule files. Default: anew each time; a process that reads often remembers them. */
  readonly readRules?: RuleReader | undefined;
  /** Old names that are read. Default: those of this version. */
  readonly renames?: readonly Rename[];
}

/** A config with its warnings, or everything that is wrong with the file (warnings too), in the order of its lines. */
export type ParseOutcome =
  | { readonly config: Config; readonly diagnostics: readonly Diagnostic[] }
  | { readonly config: undefined; readonly diagnostics: readonly Diagnostic[] };

/**
 * Reads zion.toml. Finds all problems in one run; opens only files that the config names, and those only for reading.
 * Never throws for what is in the file. Runs in the primary only.
 */
export function parseConfig(source: string | Uint8Array, options: ParseOptions): ParseOutcome {
  const findings = createFindings();
  const text = decodeToml(source, findings);
  const config = text === undefined ? undefined : readDocument(text, options, findings);
  const diagnostics = placeFindings(findings.list, text ?? sourceText(source), options.file);
  const refused = findings.list.some(({ code }) => codes[code].severity === "error");
  return { config: refused ? undefined : config, diagnostics };
}

/** The text that the lines and columns of diagnostics refer to. */
export function sourceText(source: string | Uint8Array): string {
  const text = typeof source === "string" ? source : Buffer.from(source).toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function readDocument(text: string, options: ParseOptions, findings: Findings): Config | undefined {
  const tree = parseToml(text, findings);
  if (tree === undefined) return undefined;
  // Before the rest: in another version the keys may mean something else, and hints about them would mislead.
  const version = tree["schema_version"];
  if (typeof version === "number" && version !== 1) {
    const fix =
      version > 1
        ? "this file needs a newer zion; or remove the key if it was written for this one"
        : "write 1, or leave it out";
    findings.add({
      code: "Z1010",
      path: ["schema_version"],
      message: `schema_version ${version} is not supported: this program knows version 1`,
      fix,
    });
    return undefined;
  }
  readOldNames(tree, findings, options.renames ?? renames);
  const document = shapeDocument(tree, findings);
  if (document === undefined) return undefined;
  const context: SectionContext = {
    findings,
    files: options,
    directory: directoryOf(options.file),
    now: options.now ?? systemClock.wallMs,
    environment: options.environment ?? ((name) => process.env[name]),
    builtinRules: options.builtinRules ?? (() => readRuleFiles(shippedRules)),
    readRules: options.readRules ?? parseRules,
  };
  const { keptPair } = options;
  const stateDir = document.server?.state_dir;
  const atStart: SectionContext =
    keptPair === undefined || stateDir === undefined
      ? context
      : {
          ...context,
          keptPair: (certPath, keyPath) => keptPair(resolvePath(stateDir, context), certPath, keyPath),
        };
  const listeners = readServer(document, context);
  const tls =
    document.tls === undefined
      ? undefined
      : readTls(document.tls, readAcme(document, context), document, atStart);
  const upstreams = readUpstreams(document, context);
  const routes = readRoutes(document, context);
  const headerProfiles = readHeaderProfiles(document, context);
  checkCacheProfiles(document, context);
  const authProfiles = readAuthProfiles(document, context);
  const limits = readLimits(document, routes, context);
  const limitStore = readLimitStore(document, context);
  const lists = readLists(document, context);
  const sovereign = readSovereign(document, context);
  const mesh = readMesh(document, context);
  const ban = document.ban === undefined ? undefined : readBan(document.ban, context);
  const waf = readWaf(document, routes, context);
  checkAmnesia(document, context);
  const audit = readAudit(document, context);
  const redact = readRedact(document, context);
  const accessLog = readAccessLog(document.access_log, routes, context);
  const tracing = readTracing(document.tracing, context);
  const capture = readCapture(document, context);
  if (listeners === undefined) return undefined;
  return {
    schemaVersion: 1,
    ...listeners,
    tls,
    upstreams,
    routes,
    headerProfiles,
    errorPages: readErrorPages(document, context),
    compression: readCompression(document, context),
    authProfiles,
    limits,
    limitStore,
    lists,
    ban,
    tarpit: readTarpit(document, context),
    sovereign,
    mesh,
    waf,
    amnesia: document.amnesia,
    audit,
    redact,
    accessLog,
    tracing,
    capture,
  };
}
