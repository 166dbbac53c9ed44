import { statSync } from "node:fs";
import path from "node:path";
import { readableDisk } from "../audit/file-disk.ts";
import { readLines } from "../audit/log-lines.ts";
import { parseSegmentFile } from "../audit/log-name.ts";
import type { Config } from "../config/config.ts";
import { readProblem } from "../config/files.ts";
import { explainFor, openExplainer } from "../explain/explainer.ts";
import type { Explanation } from "../explain/explanation.ts";
import { type PastRequest, pastOfDecision, pastOfRecord, type ShownDecision } from "../explain/past.ts";
import type { Question } from "../explain/question.ts";
import { judgeAgain, judgeWhole, NOBODY, remainsOf, type Today } from "../explain/today.ts";
import { WishProblem } from "../explain/wish.ts";
import { allReasons } from "../reason.ts";
import { credentialParams } from "../record/redaction.ts";
import { systemClock } from "../std/clock.ts";
import { adminOf } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { explanationPage } from "./explain-page.ts";
import { SourceUnreadable } from "./explain-source.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";
import { recordedIn } from "./replay-source.ts";

export interface WhyOptions {
  readonly requestId: string;
  readonly config: string | undefined;
  readonly admin: string | undefined;
  /** Directory or file of an audit log; then no gateway is asked. */
  readonly audit: string | undefined;
  /** File of the key of [capture]; undefined = kept requests are not read. */
  readonly captureKey: string | undefined;
  readonly format: "human" | "json";
}

/**
 * `zion why REQUEST_ID`: what was decided about a past request, by what, and what today's configuration would decide. Exit
 * code 1 = nobody remembers it.
 */
export async function whyCommand(
  options: WhyOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const say = (code: number, problem: string): number => {
    output.err.write(`zion: ${problem}\n`);
    return code;
  };
  const loaded = loadConfig(options.config);
  const config = loaded.kind === "loaded" ? loaded.config : undefined;
  let found: Found | undefined;
  try {
    found =
      options.audit === undefined
        ? await askGateway(options, config, environment)
        : searchLog(options.requestId, options.audit);
  } catch (error) {
    return say(exitCodes.unavailable, error instanceof Error ? error.message : String(error));
  }
  if (found === undefined) {
    const where = options.audit ?? "the gateway that runs, nor in an audit log that its configuration names";
    return say(exitCodes.no, `there is no request ${JSON.stringify(options.requestId)} in ${where}`);
  }
  let kept: Question | undefined;
  try {
    kept = config === undefined ? undefined : findKept(options, config);
  } catch (error) {
    if (!(error instanceof WishProblem) && !(error instanceof SourceUnreadable)) throw error;
    return say(exitCodes.unavailable, error.message);
  }
  const explained =
    kept === undefined || config === undefined
      ? undefined
      : await explainFor(environment)(kept, { config, generation: 0 });
  const today =
    config === undefined
      ? undefined
      : {
          file: loaded.file ?? "",
          ...(explained === undefined
            ? await ask(found.past, config, environment)
            : judgeWhole(found.past, explained)),
        };
  output.out.write(
    options.format === "json"
      ? `${JSON.stringify({ format_version: "1.0", source: found.source, ...found.past, today: today ?? null }, undefined, 2)}\n`
      : page(found, today) +
          (explained === undefined ? "" : explanationPage(hideValues(explained, config!), loaded.file ?? "")),
  );
  return exitCodes.ok;
}

/** The request itself, where [capture] kept it; the last one of that id. */
function findKept({ requestId, captureKey }: WhyOptions, { capture }: Config): Question | undefined {
  if (captureKey === undefined || capture === undefined) return undefined;
  const arrival = { from: NOBODY, sni: undefined, secure: false };
  let kept: Question | undefined;
  for (const { id, asked } of recordedIn(capture.path, arrival, captureKey))
    if (id === requestId && asked.kind === "whole") kept = asked.question;
  return kept === undefined ? undefined : { ...kept, brief: false };
}

/** `[redact]` holds for what is shown of a kept request. */
function hideValues(explanation: Explanation, { redact }: Config): Explanation {
  const hidden = new Set([
    ...redact.headers,
    ...(redact.queryParams ?? credentialParams),
    ...redact.jsonFields,
  ]);
  const hides = (place: string): boolean => {
    const name = place.slice(place.indexOf(":") + 1).toLowerCase();
    return hidden.has("*") || hidden.has(name) || [...hidden].some((field) => name.endsWith(`.${field}`));
  };
  const findings = explanation.findings.map((one) => {
    if (!hides(one.place)) return one;
    const text = `<redacted:${one.end - one.start}>`;
    return { ...one, text, from: 0, to: text.length };
  });
  // The target has its own rules: bytes of a query are masked where the log masks them.
  const steps = explanation.steps.map((one) =>
    one.name === "head" ? { ...one, says: headOf(explanation) } : one,
  );
  return { ...explanation, findings, steps };
}

function headOf({ request }: Explanation): string {
  return request === undefined ? "" : `${request.method} ${request.path}, ${request.fields} fields`;
}

interface Found {
  /** For people: where it is from. */
  readonly source: string;
  readonly past: PastRequest;
}

/** The ring of the gateway that runs, then the audit log that its configuration names. */
async function askGateway(
  { requestId, admin }: WhyOptions,
  config: Config | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Found | undefined> {
  if (config === undefined) throw new Error("the configuration cannot be read, and no --audit log is named");
  const client = adminOf(config, admin, environment);
  const log = config.audit?.path;
  if (client !== undefined) {
    try {
      const { status, body } = await client.get(`/v1/decisions?request_id=${encodeURIComponent(requestId)}`);
      if (status !== 200) throw new Error(`it says ${status}: ${body.trim()}`);
      const [one] = (JSON.parse(body) as { readonly decisions: readonly ShownDecision[] }).decisions;
      if (one !== undefined)
        return { source: "the decisions of the gateway that runs", past: pastOfDecision(one) };
    } catch (error) {
      if (log === undefined)
        throw new Error(`the gateway does not answer (${String(error)}): name an audit log with --audit`);
    }
  } else if (log === undefined) throw new Error("the admin listener is off: name an audit log with --audit");
  return log === undefined ? undefined : searchLog(requestId, log);
}

/** The last record about it, in any log of a directory, or in one file. */
function searchLog(requestId: string, where: string): Found | undefined {
  const wanted = `"rid":${JSON.stringify(requestId)}`;
  try {
    const isFolder = statSync(where).isDirectory();
    const disk = readableDisk(isFolder ? where : path.dirname(where));
    const files = isFolder
      ? disk.list().filter((file) => parseSegmentFile(file) !== undefined)
      : [path.basename(where)];
    let past: PastRequest | undefined;
    for (const file of files)
      for (const { bytes, whole } of readLines(disk, file))
        if (whole && bytes.includes(wanted)) past = pastOfRecord(bytes.latin1Slice()) ?? past;
    return past === undefined ? undefined : { source: `the audit log ${where}`, past };
  } catch (error) {
    throw new Error(`cannot read ${where}: ${readProblem(error)}`);
  }
}

/** What is left of the request is parsed in a process of its own, as every byte of a client. */
async function ask(past: PastRequest, config: Config, environment: NodeJS.ProcessEnv): Promise<Today> {
  const question = remainsOf(past, config.server.listenHttps !== undefined);
  if (question === undefined) return judgeAgain(past, undefined, config, systemClock.wallMs());
  const explainer = await openExplainer({ config, generation: 0, environment });
  try {
    const [remains] = await explainer.explain([question]);
    return judgeAgain(past, remains, config, systemClock.wallMs());
  } finally {
    explainer.close();
  }
}

function page({ source, past }: Found, today: (Today & { readonly file: string }) | undefined): string {
  const { requestId, time, generation, client, method, head, host, target, route } = past;
  const lines = [`${requestId} at ${time}, by generation ${generation}, as ${source} has it`];
  lines.push(
    method === ""
      ? `   a request that could not be read, from ${client}${head === "" ? "" : `: ${head}`}`
      : `   ${method} ${host}${target} from ${client}${route === "" ? "" : `, route ${route}`}`,
  );
  lines.push(`=  ${decided(past)}`);
  for (const { rule, place, start, end, decoders, shadow } of past.findings) {
    const after = decoders.length === 0 ? "as it came" : `after ${decoders.join(", ")}`;
    lines.push(`   ${rule}${shadow ? " (shadow)" : ""}: ${place}, bytes ${start} to ${end}, ${after}`);
  }
  if (today !== undefined) {
    const how = { same: "the same", changed: "another decision", undecidable: "undecidable" }[today.verdict];
    lines.push(`now, by ${today.file}: ${how}: ${today.says}`);
  }
  return `${lines.map(printable).join("\n")}\n`;
}

function decided({ decision, status, reason, detail, wafGate, wafDetail, score }: PastRequest): string {
  const doc = allReasons.find(({ code }) => code === reason)?.doc ?? "";
  const said = wafGate === "" ? "" : ` (${wafGate} ${wafDetail}${score > 0 ? `, ${score} points` : ""})`;
  if (decision === "allow") return `allowed, answered with ${status}`;
  if (decision === "shadow") return `let through by a shadow${said}, answered with ${status}`;
  const what = status === 0 ? "ended" : `refused with ${status}`;
  return `${what}: ${reason}${detail === "" ? "" : ` (${detail})`}${said}. ${doc}`;
}

/** Paths and hosts are a client's. */
function printable(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, "·");
}
