import { hash } from "node:crypto";
import { findNamedField } from "../http/named-field.ts";
import { type CanonicalRequest, FIELD_SLOTS, methodNames, NAME_START, VALUE_END } from "../http/request.ts";
import { Identity, type IdentityLine, printLine } from "../identity/identity.ts";
import { Remembered } from "../identity/remembered.ts";
import { type Reason, reasons } from "../reason.ts";

export interface ServiceRule {
  readonly path: string;
  /** Fields of the request that the service is sent, in lower case. */
  readonly requestFields: readonly string[];
  /** Fields of its answer that the upstream is sent. */
  readonly answerFields: readonly string[];
  /** How long a good answer holds for the same question; 0 = every request is asked about. */
  readonly cacheMs: number;
  readonly ask: AskService;
}

/**
 * Asks the service on behalf of `about`, whose client it is told of. `head` is an HTTP/1.1 request head without a body.
 * Never rejects. Met by upstream/ask.ts.
 */
export type AskService = (head: Buffer, about: CanonicalRequest) => Promise<ServiceAnswer | Reason>;

export interface ServiceAnswer {
  readonly status: number;
  /** By name in lower case: those of `answerFields` and `www-authenticate`, as far as it has them. */
  readonly fields: ReadonlyMap<string, string>;
}

export interface ServiceVerdict {
  readonly found: Identity | Reason;
  /** `WWW-Authenticate` line of a 401, as the service wants it. */
  readonly challenge: string;
}

/** Good answers, in one generation. */
const REMEMBERED_MAX = 4096;

/**
 * Leaves the decision to a service of the house: 2xx lets in, 401 and 403 refuse in our words, and whatever else it says
 * or does not say refuses too. It is sent method, target and chosen fields, never a body.
 */
export class AuthService {
  readonly #rule: ServiceRule;
  readonly #remembered = new Remembered<{ readonly identity: Identity; readonly untilMs: number }>(
    REMEMBERED_MAX,
  );

  constructor(rule: ServiceRule) {
    this.#rule = rule;
  }

  /** `wallMs`: now, since the epoch. */
  ask(request: CanonicalRequest, wallMs: number): Identity | Reason | Promise<ServiceVerdict> {
    // HTTP/1.0: the service could not be told which site it is about.
    if (request.hostEnd === request.hostStart) return reasons.host;
    const head = this.#head(request);
    if (this.#rule.cacheMs === 0) return this.#judge(head, request, "", wallMs);
    // All that the service is told: an answer holds for this question and for no other.
    const digest = hash("sha256", `${request.clientAddress} ${head.latin1Slice()}`, "base64");
    const known = this.#remembered.get(digest);
    // Not if the clock was set back: nobody knows when this was asked then.
    return known !== undefined && wallMs < known.untilMs && known.untilMs - wallMs <= this.#rule.cacheMs
      ? known.identity
      : this.#judge(head, request, digest, wallMs);
  }

  #head(request: CanonicalRequest): Buffer {
    const { arena, fields } = request;
    const port = request.port < 0 ? "" : `:${request.port}`;
    let head = `GET ${this.#rule.path} HTTP/1.1\r\nHost: ${request.hostText()}${port}\r\n`;
    for (const name of this.#rule.requestFields) {
      let index = findNamedField(request, name, 0);
      for (; index >= 0; index = findNamedField(request, name, index + 1)) {
        const slot = index * FIELD_SLOTS;
        head += arena.latin1Slice(fields[slot + NAME_START]!, fields[slot + VALUE_END]! + 2);
      }
    }
    const uri =
      request.text(request.pathStart, request.pathEnd) + request.text(request.queryStart, request.queryEnd);
    head += `X-Forwarded-Method: ${methodNames[request.method]}\r\nX-Forwarded-Uri: ${uri}\r\n\r\n`;
    return Buffer.from(head, "latin1");
  }

  async #judge(
    head: Buffer,
    request: CanonicalRequest,
    digest: string,
    wallMs: number,
  ): Promise<ServiceVerdict> {
    const answer = await this.#rule.ask(head, request);
    if (!("fields" in answer)) return refused(reasons.authService);
    const { status, fields } = answer;
    if (status === 401) return refused(reasons.authDenied, challengeOf(fields));
    if (status === 403) return refused(reasons.authForbidden);
    if (status < 200 || status > 299) return refused(reasons.authService);
    const identity = this.#read(fields);
    if (identity === undefined) return refused(reasons.authService);
    if (digest !== "") this.#remembered.add(digest, { identity, untilMs: wallMs + this.#rule.cacheMs });
    return { found: identity, challenge: "" };
  }

  /** Undefined: what it says cannot stand in a field. */
  #read(fields: ReadonlyMap<string, string>): Identity | undefined {
    const lines: IdentityLine[] = [];
    for (const field of this.#rule.answerFields) {
      const value = fields.get(field.toLowerCase());
      if (value === undefined) continue;
      const line = printLine(field, value);
      if (line === undefined) return undefined;
      lines.push(line);
    }
    return new Identity({ subject: fields.get("x-auth-subject") ?? "", lines });
  }
}

function refused(reason: Reason, challenge = ""): ServiceVerdict {
  return { found: reason, challenge };
}

function challengeOf(fields: ReadonlyMap<string, string>): string {
  const line = printLine("WWW-Authenticate", fields.get("www-authenticate") ?? "Bearer");
  return line === undefined ? "WWW-Authenticate: Bearer\r\n" : Buffer.from(line.line).toString("latin1");
}
