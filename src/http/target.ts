import { type Reason, reasons } from "../reason.ts";
import { writeAuthority } from "./authority.ts";
import type { HeadLimits } from "./head.ts";
import { writePath } from "./path.ts";
import { checkQuery } from "./query.ts";
import { type CanonicalRequest, CONNECT, OPTIONS, TRACE } from "./request.ts";

/**
 * Reads the request-target `source[start, end)` (RFC 9112 §3.2): origin-form, absolute-form, or `*` for OPTIONS. Writes
 * path, query and (absolute-form) authority to the arena. The method is already known.
 */
export function readTarget(
  source: Uint8Array,
  start: number,
  end: number,
  request: CanonicalRequest,
  limits: HeadLimits,
): Reason | undefined {
  // TRACE would echo what a proxy added, CONNECT would dial for the client: known, never served.
  if (request.method === TRACE || request.method === CONNECT) return reasons.method;
  request.hasTargetAuthority = false;
  let pathStart = start;
  if (source[start] !== SLASH) {
    if (source[start] === STAR && end === start + 1) {
      if (request.method !== OPTIONS) return reasons.targetForm;
      return writeStar(request);
    }
    const afterScheme = schemeEnd(source, start, end);
    if (afterScheme < 0) return reasons.targetForm;
    const secure = afterScheme - start === 8;
    if (afterScheme === 0 || secure !== request.secure) return reasons.scheme;
    let at = afterScheme;
    while (at < end && source[at] !== SLASH && source[at] !== QUESTION && source[at] !== HASH) at++;
    for (let i = afterScheme; i < at; i++) if (source[i] === AT) return reasons.userinfo;
    if (at === afterScheme || source[afterScheme] === COLON) return reasons.authority;
    const fault = writeAuthority(source, afterScheme, at, request);
    if (fault !== undefined) return fault === reasons.userinfo ? fault : reasons.authority;
    request.hasTargetAuthority = true;
    request.secureTarget = secure;
    // `http://a` and `http://a?q` have an empty path, which means `/` (RFC 9112 §3.2.1); refused with a query,
    // because servers disagree on where the path then starts.
    if (at === end) return writeRoot(request);
    if (source[at] !== SLASH) return reasons.targetForm;
    pathStart = at;
  }
  let pathEnd = pathStart;
  while (pathEnd < end && source[pathEnd] !== QUESTION) pathEnd++;
  const fault = writePath(source, pathStart, pathEnd, request, limits.path);
  if (fault !== undefined) return fault;
  if (pathEnd === end) return undefined;
  const queryFault = checkQuery(source, pathEnd, end, limits.queryParamsMax);
  if (queryFault !== undefined) return queryFault;
  request.reserve(end - pathEnd);
  request.queryStart = request.arenaEnd;
  request.arena.set(source.subarray(pathEnd, end), request.arenaEnd);
  request.arenaEnd += end - pathEnd;
  request.queryEnd = request.arenaEnd;
  return undefined;
}

const SLASH = 47;
const STAR = 42;
const QUESTION = 63;
const HASH = 35;
const COLON = 58;
const AT = 64;

function writeRoot(request: CanonicalRequest): undefined {
  return writeOne(request, SLASH);
}

function writeStar(request: CanonicalRequest): undefined {
  return writeOne(request, STAR);
}

function writeOne(request: CanonicalRequest, byte: number): undefined {
  request.reserve(1);
  request.arena[request.arenaEnd] = byte;
  request.pathStart = request.routePathStart = request.arenaEnd;
  request.arenaEnd += 1;
  request.pathEnd = request.routePathEnd = request.arenaEnd;
}

/** Offset after `http://` or `https://` (any case); 0 for another scheme with `:`; -1 when there is no scheme. */
function schemeEnd(source: Uint8Array, start: number, end: number): number {
  const first = source[start]! | 0x20;
  if (first < 97 || first > 122) return -1;
  let colon = start;
  while (colon < end && colon - start < 16 && source[colon] !== COLON && source[colon] !== SLASH) colon++;
  if (source[colon] !== COLON || colon >= end) return -1;
  if (colon + 2 >= end || source[colon + 1] !== SLASH || source[colon + 2] !== SLASH) return 0;
  const text = String.fromCharCode(...source.subarray(start, colon)).toLowerCase();
  return text === "http" || text === "https" ? colon + 3 : 0;
}
