import { createHash, timingSafeEqual } from "node:crypto";
import { type ControlAnswer, type ControlRequest, json, text } from "./control-listener.ts";
import type { Overview } from "./overview.ts";
import type { GenerationEntry, ReloadResult } from "./reload.ts";

export const minTokenBytes = 32;
/** POST bodies; a reload needs none. */
export const maxAdminBodyBytes = 65_536;

export interface AdminOptions {
  /** SHA-256 of the write token; undefined = nothing can be written. */
  readonly tokenDigest: Buffer | undefined;
  readonly port: () => number;
  readonly overview: () => Overview;
  readonly generations: () => readonly GenerationEntry[];
  readonly reload: () => Promise<ReloadResult>;
}

/** Every endpoint: what `GET /` lists. Later issues add theirs. */
const endpoints = [
  { method: "GET", path: "/", does: "this list" },
  {
    method: "GET",
    path: "/snapshot",
    does: "version, generation, workers, and every route with what the WAF does on it",
  },
  {
    method: "GET",
    path: "/v1/generations",
    does: "the last configurations: when, from where, and what was refused",
  },
  { method: "POST", path: "/v1/reload", does: "reads the configuration file again; waits for the result" },
] as const;

/**
 * The admin listener (operators.md §1.2): loopback only. Its dangers are a browser on this machine that was lured to it,
 * by DNS rebinding (Host allow-list, 421) or by a cross-site form (bearer token, JSON only, no CORS headers ever).
 */
export function createAdmin(options: AdminOptions): (request: ControlRequest) => Promise<ControlAnswer> {
  return async (request) => {
    if (!isLoopbackName(request.header("host"), options.port())) return text(421, "misdirected request");
    const known = endpoints.filter(({ path }) => path === request.path);
    if (known.length === 0) return text(404, "not found");
    if (!known.some(({ method }) => method === request.method)) {
      return text(405, "method not allowed", { Allow: known.map(({ method }) => method).join(", ") });
    }
    if (request.method === "POST") return refuseWrite(request, options.tokenDigest) ?? reload(options);
    if (request.path === "/snapshot") return json(200, options.overview());
    return request.path === "/"
      ? json(200, { endpoints })
      : json(200, { generations: options.generations() });
  };
}

/** What to keep of the token: equal lengths make the comparison constant in time, and the text is not in memory. */
export function digestToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function refuseWrite(request: ControlRequest, tokenDigest: Buffer | undefined): ControlAnswer | undefined {
  if (tokenDigest === undefined) return text(403, "writing is off: set admin.write_token_env");
  const site = request.header("sec-fetch-site");
  if (site !== "" && site !== "same-origin" && site !== "none") return text(403, "cross-site request");
  const [scheme = "", token = ""] = request.header("authorization").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !timingSafeEqual(digestToken(token), tokenDigest)) {
    return text(401, "unauthorized", { "WWW-Authenticate": "Bearer" });
  }
  // A form cannot send this type without a preflight, which is never answered.
  if (!/^application\/json\s*(;|$)/i.test(request.header("content-type")))
    return text(415, "application/json only");
  return undefined;
}

async function reload(options: AdminOptions): Promise<ControlAnswer> {
  const result = await options.reload();
  if (result.kind === "loaded") return json(200, { generation: result.generation });
  return json(422, { generation: result.generation, error: result.problem });
}

/** `Host` as a loopback literal or localhost, with our port or none. */
function isLoopbackName(host: string, port: number): boolean {
  const [, name, given] = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d+))?$/i.exec(host) ?? [];
  return name !== undefined && (given === undefined || Number(given) === port);
}
