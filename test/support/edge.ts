import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { diskAccess } from "../../src/config/files.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { createPartStore, cutConfig } from "../../src/config/parts.ts";
import { openEdge } from "../../src/control/data-plane.ts";
import { strictLimits } from "../../src/control/limit-build.ts";
import type { PageAsk } from "../../src/control/page-desk.ts";
import { openSlots, type WantedListener } from "../../src/control/slots.ts";
import { StrictJudge } from "../../src/limit/strict.ts";
import type { HttpChallenge, TlsChallenge } from "../../src/respond/acme-challenges.ts";
import type { Page } from "../../src/respond/page.ts";
import { inOneGo } from "../../src/std/steps.ts";
import { createRuleMemory } from "../../src/waf/rule-memory.ts";
import { assertNoCanary } from "./canary.ts";

/** Hundreds of edges of a process have the rules that are shipped. */
const readRules = createRuleMemory();

/** The data plane of one worker in this process, on free ports. */
export interface Edge {
  /** Plain listener. */
  readonly port: number;
  /** TLS listener; 0 without one. */
  readonly tlsPort: number;
  /** The access log's file. */
  readonly logPath: string;
  /** The access log line of one exchange; throws when there is none. */
  logLine(requestId: string): Promise<LogLine>;
  /** All access log lines so far, in order. */
  logLines(): Promise<LogLine[]>;
  /** A metric, its samples added up. With `label`, only samples that have it among their label values. */
  metric(name: string, label?: string): number;
  /** Makes another configuration current. */
  reload(config: string): void;
  /** Memory of all processes as a share of their limit, as the primary tells it. */
  setMemory(share: number): void;
  /** Of orders that are under way, as the primary tells them. */
  setChallenges(http: readonly HttpChallenge[], tls: readonly TlsChallenge[]): void;
  /** Stops accepting and waits at most `graceMs` for what is open; returns the exchanges that were cut. */
  drain(graceMs: number): Promise<number>;
  stop(): Promise<void>;
}

export type LogLine = Readonly<Record<string, string | number | boolean>>;

export interface EdgeOptions {
  /** More lines of `[access_log]`. */
  readonly accessLog?: string;
  /** False: `data` events instead of the shared read buffer. */
  readonly sharedReads?: boolean;
  /** A TLS listener too: with a default certificate for `localhost`, and one for each of these server names. */
  readonly tlsNames?: readonly string[];
  /** Nobody answers for strict limits. */
  readonly silentJudge?: boolean;
  /** More lines of `[tls]`. */
  readonly tls?: string;
  /** More lines of `[[tls.sni]]`, by name. */
  readonly sni?: Readonly<Record<string, string>>;
  /** Who answers for the primary when an internal page is asked for; undefined = it cannot be had. Absent: nobody. */
  readonly pages?: (ask: PageAsk) => Page | undefined;
}

/**
 * Starts a data plane with this configuration. Its `[server]` names no addresses: listeners, certificates and the
 * access log are added here.
 */
export async function startEdge(config: string, options: EdgeOptions = {}): Promise<Edge> {
  const folder = mkdtempSync(path.join(tmpdir(), "zion-edge-"));
  const logPath = path.join(folder, "access.log");
  const { tlsNames } = options;
  const wanted: WantedListener[] = [{ name: "http", address: { host: "127.0.0.1", port: 0 } }];
  if (tlsNames !== undefined) wanted.push({ name: "https", address: { host: "127.0.0.1", port: 0 } });
  const [http, https] = await openSlots(wanted, 1);
  const ports = { http: http!.address.port, https: https?.address.port ?? 0 };
  const listen = ["workers = 1", `listen_http = "127.0.0.1:${ports.http}"`];
  const sections = [`[access_log]\npath = ${JSON.stringify(logPath)}\n${options.accessLog ?? ""}`];
  if (tlsNames !== undefined) {
    listen.push(`listen_https = "127.0.0.1:${ports.https}"`);
    sections.push(`[tls]\n${options.tls ?? ""}\n${certificateLines(folder, "localhost")}`);
    for (const name of tlsNames) {
      const more = options.sni?.[name] ?? "";
      sections.push(`[[tls.sni]]\nserver_name = "${name}"\n${more}\n${certificateLines(folder, name)}`);
    }
  }
  const complete = (text: string): string =>
    `${text.replace(/^\[server\]$/m, `[server]\n${listen.join("\n")}`)}\n${sections.join("\n")}\n`;

  const edge = openEdge({
    workerIndex: 0,
    askStrict: async (batch) => {
      if (options.silentJudge === true) return;
      setImmediate(() => edge.hearStrict(judge.judge(batch, performance.now())));
    },
    askPage: (ask) => {
      if (options.pages !== undefined) setImmediate(() => edge.hearPage(ask.id, options.pages!(ask)));
    },
    ...(options.sharedReads === undefined ? {} : { sharedReads: options.sharedReads }),
  });
  const judge = new StrictJudge();
  let generation = 0;
  const store = createPartStore();
  const load = (text: string): void => {
    const { config: parsed, diagnostics } = parseConfig(complete(text), {
      ...diskAccess(),
      readRules,
      file: "test.toml",
    });
    if (parsed === undefined) throw new Error(`the test's config is refused: ${JSON.stringify(diagnostics)}`);
    const { manifest, parts } = cutConfig(parsed);
    inOneGo(edge.prepare(++generation, store.assemble(manifest, parts), new Map()));
    edge.commit(generation);
    store.keepOnly([manifest]);
    judge.adopt(strictLimits(parsed.limits));
  };
  load(config);
  for (const slots of [http, https]) {
    if (slots !== undefined) await edge.open(slots.name, 0, slots.handle(0) ?? slots.address);
  }

  const logLines = async (): Promise<LogLine[]> => {
    await edge.flushLog();
    const text = readFileSync(logPath, "latin1");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as LogLine);
  };
  return {
    port: ports.http,
    tlsPort: ports.https,
    logPath,
    logLines,
    async logLine(requestId) {
      const lines = await logLines();
      const line = lines.findLast((one) => one["zion.request_id"] === requestId);
      if (line === undefined) throw new Error(`no access log line for ${requestId}`);
      return line;
    },
    metric(name, label) {
      return edge
        .readMetrics()
        .filter((sample) => sample.name === name && (label === undefined || sample.labels.includes(label)))
        .reduce((sum, sample) => sum + sample.value, 0);
    },
    reload: load,
    setMemory: (share) => edge.setMemory(share),
    setChallenges: edge.setChallenges,
    drain: (graceMs) => edge.drain(graceMs),
    async stop() {
      await edge.drain(0);
      for (const slots of [http, https]) slots?.close();
      if (existsSync(logPath)) assertNoCanary(readFileSync(logPath, "latin1"), "the access log");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Writes a new self-signed certificate for `name`; returns the keys of the config that name its files. */
function certificateLines(folder: string, name: string): string {
  const { certPem, keyPem } = makeSelfSigned({ names: [name], days: 2 });
  const file = path.join(folder, name.replace("*", "wildcard"));
  writeFileSync(`${file}.crt`, certPem);
  writeFileSync(`${file}.key`, keyPem, { mode: 0o600 });
  return `cert_path = ${JSON.stringify(`${file}.crt`)}\nkey_path = ${JSON.stringify(`${file}.key`)}`;
}
