import { createHash } from "node:crypto";
import type { AdminRole } from "../config/config.ts";
import type { AdminAccess, Caller } from "./admin-access.ts";
import { type Asset, pagePolicy } from "./console.ts";
import {
  type ControlAnswer,
  type ControlHead,
  type ControlPeer,
  type ControlRequest,
  json,
} from "./control-listener.ts";
import type { OpJournal } from "./op-journal.ts";

/** Bodies of writes that say nothing else. */
const BODY_BYTES_MAX = 65_536;
/** An answer without an end is ended this long after its token, at the latest. */
const WELCOME_EVERY_MS = 5000;

/** One thing the admin listener can do. */
export interface AdminEndpoint {
  readonly method: "GET" | "POST" | "DELETE";
  /** May end in `/{name}`: one segment, given decoded to `answer`. */
  readonly path: string;
  /** What the caller's token must be good for. */
  readonly role: AdminRole;
  /** For people: what `GET /` lists. */
  readonly does: string;
  /** Of a write. A form of a foreign page can send neither type without a preflight, which is never answered. */
  readonly takes?: "application/json" | "application/toml";
  readonly bodyBytesMax?: number;
  /** `segment` is "" for a path without one. */
  readonly answer: (request: AdminRequest, segment: string) => ControlAnswer | Promise<ControlAnswer>;
}

/** A request that was let in. */
export interface AdminRequest extends ControlHead {
  /** Of a write; others have none. */
  readonly body: Buffer;
  /** The name of the caller's token; "" = it needed none. */
  readonly actor: string;
}

/** A change that somebody asks for, for the record. */
export interface AdminWrite {
  readonly actor: string;
  readonly method: string;
  readonly path: string;
  /** "" = none was given. */
  readonly opId: string;
  readonly peer: ControlPeer;
}

export interface AdminOptions {
  readonly access: AdminAccess;
  readonly endpoints: readonly AdminEndpoint[];
  /** Whether it is asked for by a name of ours. */
  readonly isOurHost: (host: string, reached: string) => boolean;
  /** Files of the page, by path; `/` is for whoever wants HTML. */
  readonly page: ReadonlyMap<string, Asset>;
  readonly journal: OpJournal;
  /** Puts a write on record before it has an effect. False: it may not have one. */
  readonly begin: (write: AdminWrite) => Promise<boolean>;
  /** What came of it. */
  readonly ended: (write: AdminWrite, status: number) => void;
}

/**
 * The admin listener (operators.md §1.2). Its dangers are whoever can connect (tokens with roles), and a browser on this
 * machine that was lured to it, by DNS rebinding (Host allow-list, 421) or by a cross-site form (bearer token, types that
 * forms cannot send, no CORS headers ever).
 */
export function createAdmin(options: AdminOptions): (request: ControlRequest) => Promise<ControlAnswer> {
  const { access, isOurHost } = options;
  const endpoints: readonly AdminEndpoint[] = [listOf(options.endpoints), ...options.endpoints];
  return async (request) => {
    if (!isOurHost(request.header("host"), request.peer.reached))
      return json(421, { error: "the admin listener has another name" });
    // No token is asked for: the files tell nothing, and a browser could not send one.
    const asset = isPageRequest(request) ? options.page.get(request.path) : undefined;
    if (asset !== undefined) return assetAnswer(asset, request);
    const known = endpoints.filter(({ path }) => segmentOf(path, request.path) !== undefined);
    if (known.length === 0) return json(404, { error: "there is no such path; GET / lists them" });
    const endpoint = known.find(({ method }) => method === request.method);
    if (endpoint === undefined) {
      const allowed = known.map(({ method }) => method).join(", ");
      return json(405, { error: `this path takes ${allowed}` }, { Allow: allowed });
    }
    const isWrite = endpoint.method !== "GET";
    // A read is not shown to a foreign page, but it costs: a proof takes a process, a stream one of few places.
    if (isForeignPage(request)) return json(403, { error: "a page of another site asked" });
    const caller = access.admit(request, endpoint.role, isWrite);
    if ("status" in caller) return caller;
    if (isWrite) return serveWrite(options, request, endpoint, caller);
    const { method, path, query, header } = request;
    const asked = { method, path, query, header, body: Buffer.alloc(0), actor: caller.name };
    return whileWelcome(await endpoint.answer(asked, segmentOf(endpoint.path, path)!), caller);
  };
}

function isPageRequest({ method, path, header }: ControlRequest): boolean {
  return (method === "GET" || method === "HEAD") && (path !== "/" || header("accept").includes("text/html"));
}

function assetAnswer({ type, body, etag }: Asset, { header }: ControlRequest): ControlAnswer {
  const headers = {
    "Content-Security-Policy": pagePolicy,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    ETag: etag,
  };
  return header("if-none-match") === etag
    ? { status: 304, body: "", headers }
    : { status: 200, type, body, headers };
}

/** The path of the endpoint that was asked for, as a label of metrics; what nobody offers is "_other". */
export function endpointPath(endpoints: readonly Pick<AdminEndpoint, "path">[], path: string): string {
  return endpoints.find((endpoint) => segmentOf(endpoint.path, path) !== undefined)?.path ?? "_other";
}

async function serveWrite(
  { journal, begin, ended }: AdminOptions,
  request: ControlRequest,
  endpoint: AdminEndpoint,
  { name: actor }: Caller,
): Promise<ControlAnswer> {
  const { method, path, query, header, peer } = request;
  const { takes = "application/json", bodyBytesMax = BODY_BYTES_MAX } = endpoint;
  if (header("content-type").split(";")[0]!.trim().toLowerCase() !== takes)
    return json(415, { error: `this takes ${takes}` });
  const opId = query.get("op_id") ?? header("op-id");
  if (!/^[\w.-]{0,64}$/.test(opId))
    return json(400, { error: "op_id: expected at most 64 letters, digits and ._-" });
  const body = await request.readBody(bodyBytesMax);
  if (body === undefined) return json(413, { error: `the body has more than ${bodyBytesMax} bytes` });

  const write: AdminWrite = { actor, method, path, opId, peer };
  const perform = async (): Promise<ControlAnswer> => {
    if (!(await begin(write))) return json(503, { error: "the audit log could not record it" });
    let status = 500;
    try {
      const asked = { method, path, query, header, body, actor };
      const answer = await endpoint.answer(asked, segmentOf(endpoint.path, path)!);
      ({ status } = answer);
      return answer;
    } finally {
      ended(write, status);
    }
  };
  if (opId === "") return perform();
  query.delete("op_id");
  const asked = createHash("sha256").update(`${method} ${path}?${query}\n`).update(body).digest("hex");
  return journal.run(`${actor} ${opId}`, asked, perform);
}

/** A stream must not outlive the token that opened it. */
function whileWelcome(answer: ControlAnswer, { isWelcome }: Caller): ControlAnswer {
  const { stream } = answer;
  if (stream === undefined) return answer;
  return {
    ...answer,
    stream(sink) {
      const timer = setInterval(() => {
        if (!isWelcome()) sink.end();
      }, WELCOME_EVERY_MS);
      timer.unref();
      sink.onClose(() => clearInterval(timer));
      stream(sink);
    },
  };
}

function listOf(endpoints: readonly AdminEndpoint[]): AdminEndpoint {
  const list: AdminEndpoint = {
    method: "GET",
    path: "/",
    role: "read",
    does: "this list",
    answer: () =>
      json(200, {
        endpoints: [list, ...endpoints].map(({ method, path, role, does }) => ({ method, path, role, does })),
      }),
  };
  return list;
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

function isForeignPage(request: ControlHead): boolean {
  const site = request.header("sec-fetch-site");
  return site !== "" && site !== "same-origin" && site !== "none";
}
