import { Client } from "undici";
import { systemClock } from "../std/clock.ts";
import type { AcmeAccess } from "./acme-task.ts";
import { describe } from "./probe.ts";

/** Of an answer: a chain of ten RSA certificates is a tenth of it. */
const BODY_BYTES_MAX = 262_144;
/** Name, connection, TLS and answer of one request. */
const REQUEST_DEADLINE_MS = 30_000;
const bodyTypes = /^application\/(?:json|problem\+json|pem-certificate-chain)(?:;|$)/i;

/** A request as acme-client makes it. */
export interface AcmeRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface AcmeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** What the CA said last that was no success. */
export interface AcmeProblem {
  readonly status: number;
  /** After "urn:ietf:params:acme:error:"; "" = it did not say. */
  readonly type: string;
  readonly retryAfterMs: number | undefined;
}

export interface AcmeTransport {
  /** Throws a TransportError. */
  send(request: AcmeRequest): Promise<AcmeAnswer>;
  /** Undefined: the last answer was a success. */
  readonly problem: AcmeProblem | undefined;
  close(): void;
}

/** No answer, or one that is not read; the message is for operators. */
export class TransportError extends Error {
  readonly reason: "unreachable" | "bad_answer";
  constructor(reason: TransportError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Requests to one CA and to nobody else: a directory that sends us to another origin is refused, redirects are not
 * followed, and size, type and time of answers have limits (reliability.md AC4).
 */
export function openAcmeTransport(access: AcmeAccess, deadlineMs = REQUEST_DEADLINE_MS): AcmeTransport {
  const { origin } = new URL(access.directoryUrl);
  const client = new Client(origin, {
    connect: {
      timeout: deadlineMs,
      rejectUnauthorized: true,
      // Explicit, because of the process-wide --tls-min-v1.3.
      minVersion: "TLSv1.2",
      ...(access.caPem === undefined ? {} : { ca: access.caPem }),
    },
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: 16_384,
    maxResponseSize: BODY_BYTES_MAX,
  });
  let problem: AcmeProblem | undefined;

  return {
    get problem() {
      return problem;
    },
    async send({ url: text, method, headers, body }) {
      const url = URL.parse(text);
      if (url?.origin !== origin)
        throw new TransportError("bad_answer", "the CA names a URL of another origin");
      problem = undefined;
      const answer = await exchange(client, url, method, headers, body, deadlineMs);
      if (answer.status >= 300 && answer.status < 400)
        throw new TransportError("bad_answer", `the CA redirects (status ${answer.status})`);
      if (answer.status >= 400) problem = readProblem(answer);
      else if (answer.text !== "" && !bodyTypes.test(answer.headers["content-type"] ?? ""))
        throw new TransportError("bad_answer", "the CA answers with a type that is not of ACME");
      return answer;
    },
    close: () => void client.destroy().catch(() => {}),
  };
}

/** A URL of the directory; undefined = it has none of that name. Throws. */
export async function resourceOf(
  transport: AcmeTransport,
  directoryUrl: string,
  name: string,
): Promise<string | undefined> {
  const { text, status } = await transport.send({
    url: directoryUrl,
    method: "get",
    headers: {},
    body: undefined,
  });
  if (status !== 200) throw new Error(`the directory answers ${status}`);
  const url = (JSON.parse(text) as Readonly<Record<string, unknown>>)[name];
  return typeof url === "string" ? url : undefined;
}

async function exchange(
  client: Client,
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
  deadlineMs: number,
): Promise<AcmeAnswer> {
  try {
    const answer = await client.request({
      method: method.toUpperCase() as "GET",
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, "accept-encoding": "identity", "user-agent": "zion-acme" },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(deadlineMs),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const text = await answer.body.text();
    const flat = Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value,
    ]);
    return { status: answer.statusCode, headers: Object.fromEntries(flat), text };
  } catch (cause) {
    const isTooLong = (cause as { readonly code?: unknown }).code === "UND_ERR_RES_EXCEEDED_MAX_SIZE";
    throw new TransportError(isTooLong ? "bad_answer" : "unreachable", describe(cause));
  }
}

function readProblem({ status, headers, text }: AcmeAnswer): AcmeProblem {
  return { status, type: problemType(text), retryAfterMs: readRetryAfter(headers["retry-after"]) };
}

function problemType(text: string): string {
  try {
    const { type } = JSON.parse(text) as { readonly type?: unknown };
    return typeof type === "string"
      ? (/^urn:ietf:params:acme:error:([A-Za-z]{1,40})$/.exec(type)?.[1] ?? "")
      : "";
  } catch {
    return "";
  }
}

/** Ms from now: seconds or a date (RFC 9110 §10.2.3). */
export function readRetryAfter(value: string | undefined, nowMs = systemClock.wallMs()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // Date.parse takes nearly anything.
  const dateMs = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
