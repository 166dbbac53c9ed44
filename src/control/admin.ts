import { createHash, timingSafeEqual } from "node:crypto";
import { type ControlAnswer, type ControlRequest, json, text } from "./control-listener.ts";

export const minTokenBytes = 32;
/** Bodies of writes; a reload needs none. */
export const maxAdminBodyBytes = 65_536;

/** One thing the admin listener can do. */
export interface AdminEndpoint {
  readonly method: "GET" | "POST" | "DELETE";
  /** May end in `/{name}`: one segment, given decoded to `answer`. */
  readonly path: string;
  /** For people: what `GET /` lists. */
  readonly does: string;
  /** Writes come here with their token checked. `segment` is "" for a path without one. */
  readonly answer: (request: ControlRequest, segment: string) => ControlAnswer | Promise<ControlAnswer>;
}

export interface AdminOptions {
  /** SHA-256 of the write token; undefined = nothing can be written. */
  readonly tokenDigest: () => Buffer | undefined;
  readonly port: () => number;
  readonly endpoints: readonly AdminEndpoint[];
  /** Puts a write on record before it has an effect. False: it may not have one. */
  readonly record: (method: string, path: string) => Promise<boolean>;
}

/**
 * The admin listener (operators.md §1.2): loopback only. Its dangers are a browser on this machine that was lured to it,
 * by DNS rebinding (Host allow-list, 421) or by a cross-site form (bearer token, JSON only, no CORS headers ever).
 */
export function createAdmin(options: AdminOptions): (request: ControlRequest) => Promise<ControlAnswer> {
  const list: AdminEndpoint = {
    method: "GET",
    path: "/",
    does: "this list",
    answer: () =>
      json(200, { endpoints: endpoints.map(({ method, path, does }) => ({ method, path, does })) }),
  };
  const endpoints: readonly AdminEndpoint[] = [list, ...options.endpoints];
  return async (request) => {
    if (!isLoopbackName(request.header("host"), options.port())) return text(421, "misdirected request");
    const known = endpoints.filter(({ path }) => segmentOf(path, request.path) !== undefined);
    if (known.length === 0) return text(404, "not found");
    const endpoint = known.find(({ method }) => method === request.method);
    if (endpoint === undefined)
      return text(405, "method not allowed", { Allow: known.map(({ method }) => method).join(", ") });
    const refusal = endpoint.method === "GET" ? undefined : refuseWrite(request, options.tokenDigest());
    if (refusal !== undefined) return refusal;
    if (endpoint.method !== "GET" && !(await options.record(request.method, request.path)))
      return text(503, "the audit log could not record it");
    return endpoint.answer(request, segmentOf(endpoint.path, request.path)!);
  };
}

/** The path of the endpoint that was asked for, as a label of metrics; what nobody offers is "_other". */
export function endpointPath(endpoints: readonly Pick<AdminEndpoint, "path">[], path: string): string {
  return endpoints.find((endpoint) => segmentOf(endpoint.path, path) !== undefined)?.path ?? "_other";
}

/** What to keep of the token: equal lengths make the comparison constant in time, and the text is not in memory. */
export function digestToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** The decoded last segment where `pattern` ends in one, "" where it has none; undefined = another path. */
function segmentOf(pattern: string, path: string): string | undefined {
  const brace = pattern.indexOf("{");
  if (brace === -1) return pattern === path ? "" : undefined;
  const rest = path.slice(brace);
  if (!path.startsWith(pattern.slice(0, brace)) || rest === "" || rest.includes("/")) return undefined;
  try {
    return decodeURIComponent(rest);
  } catch {
    return undefined;
  }
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

/** `Host` as a loopback literal or localhost, with our port or none. */
function isLoopbackName(host: string, port: number): boolean {
  const [, name, given] = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d+))?$/i.exec(host) ?? [];
  return name !== undefined && (given === undefined || Number(given) === port);
}
