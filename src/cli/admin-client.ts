import http from "node:http";
import { resolve } from "node:path";
import type { Config, ControlAddress } from "../config/config.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

/** How a command reaches the gateway that runs: its admin listener, and the token where one is asked for. */
export interface AdminClient {
  get(path: string): Promise<AdminReply>;
  /** `body` is JSON. */
  post(path: string, body?: string): Promise<AdminReply>;
}

export interface AdminReply {
  readonly status: number;
  readonly body: string;
}

export interface AdminOptions {
  readonly config: string | undefined;
  /** `HOST:PORT` or `unix:/path`; default: what the configuration says. */
  readonly admin: string | undefined;
}

/** The variable with the token, unless the configuration names another one. */
const tokenVariable = "ZION_ADMIN_TOKEN";

/** A reload waits for look-ups and workers; its own time-outs are shorter. */
const answerWithinMs = 120_000;

/** The client, or the exit code when the configuration names no way; that has been said by then. */
export function findAdmin(
  options: AdminOptions,
  environment: NodeJS.ProcessEnv,
  output: Output,
): AdminClient | number {
  const loaded = loadConfig(options.config);
  if (loaded.kind !== "loaded") {
    const why =
      loaded.kind === "unreadable" ? loaded.message : "the configuration is refused: see zion check";
    output.err.write(`${why}\n`);
    return loaded.kind === "unreadable" ? exitCodes.unavailable : exitCodes.no;
  }
  return (
    adminOf(loaded.config, options.admin, environment) ?? unavailable("the admin listener is off", output)
  );
}

/** Undefined: the listener is off, or `given` is no address. */
export function adminOf(
  { admin }: Pick<Config, "admin">,
  given: string | undefined,
  environment: NodeJS.ProcessEnv,
): AdminClient | undefined {
  const address = given === undefined ? admin.listen : addressOf(given);
  if (address === undefined) return undefined;
  if (admin.tls !== undefined && given === undefined)
    return { get: wantsCertificate, post: wantsCertificate };
  const token = environment[admin.writeTokenEnv ?? tokenVariable] ?? environment[tokenVariable] ?? "";
  const bearer = { Authorization: `Bearer ${token}` };
  return {
    // Who need not show a token does not.
    get: (path) => ask(address, "GET", path, admin.tokens.length > 0 ? bearer : {}),
    post: (path, body) => ask(address, "POST", path, { ...bearer, "Content-Type": "application/json" }, body),
  };
}

async function wantsCertificate(): Promise<never> {
  throw new Error(
    "the admin listener asks for a client certificate: use curl --cert (docs/operating/admin.md)",
  );
}

export function unavailable(problem: string, output: Output): number {
  output.err.write(`zion: ${problem}\n`);
  return exitCodes.unavailable;
}

function ask(
  address: ControlAddress,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  sent?: string,
): Promise<AdminReply> {
  return new Promise((resolve, reject) => {
    const to = "path" in address ? { socketPath: address.path } : address;
    const request = http.request({ ...to, method, path, headers, timeout: answerWithinMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject);
    request.end(sent);
  });
}

function addressOf(text: string): ControlAddress | undefined {
  if (text.startsWith("unix:")) return { path: resolve(text.slice("unix:".length)) };
  const url = URL.parse(`http://${text}`);
  if (url === null || url.port === "") return undefined;
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
}
