import http from "node:http";
import type { Config, SocketAddress } from "../config/config.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

/** How a command reaches the gateway that runs: its admin listener, and the token where something is to change. */
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
  /** `HOST:PORT`; default: what the configuration says. */
  readonly admin: string | undefined;
}

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

export function adminOf(
  { admin }: Pick<Config, "admin">,
  given: string | undefined,
  environment: NodeJS.ProcessEnv,
): AdminClient | undefined {
  const address = given === undefined ? admin.listen : addressOf(given);
  if (address === undefined) return undefined;
  const token = admin.writeTokenEnv === undefined ? "" : (environment[admin.writeTokenEnv] ?? "");
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  return {
    get: (path) => ask(address, "GET", path, {}),
    post: (path, body) => ask(address, "POST", path, headers, body),
  };
}

export function unavailable(problem: string, output: Output): number {
  output.err.write(`zion: ${problem}\n`);
  return exitCodes.unavailable;
}

function ask(
  { host, port }: SocketAddress,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  sent?: string,
): Promise<AdminReply> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host, port, method, path, headers, timeout: answerWithinMs },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          body += part;
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject);
    request.end(sent);
  });
}

function addressOf(text: string): SocketAddress | undefined {
  const url = URL.parse(`http://${text}`);
  if (url === null || url.port === "") return undefined;
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
}
