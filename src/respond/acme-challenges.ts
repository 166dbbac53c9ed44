import type { Downstream } from "../http/downstream.ts";
import { BODY_NONE, type CanonicalRequest, GET } from "../http/request.ts";

/** What a CA that validates by http-01 is answered (RFC 8555 §8.3). */
export interface HttpChallenge {
  /** In lower case. */
  readonly host: string;
  readonly token: string;
  /** The key authorization. */
  readonly answer: string;
}

/** What a CA that validates by tls-alpn-01 is shown (RFC 8737 §3). */
export interface TlsChallenge {
  /** In lower case. */
  readonly host: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** Open challenges, by token; empty but for the seconds of an order. At most as many as an order has names. */
export type HttpChallenges = ReadonlyMap<string, HttpChallenge>;

/** Met by record.ts `ExchangeRecord`. */
interface ChallengeRecord {
  status: number;
}

const prefix = "/.well-known/acme-challenge/";

/**
 * Answers the one path that an open challenge is about: exactly this token, for exactly this host, by GET. Everything
 * else below the prefix is a request like any other and meets every gate: a WAF that looks away there is a way around
 * it (reliability.md C47, AC1). Returns whether it answered.
 */
export function answerChallenge(
  request: CanonicalRequest,
  challenges: HttpChallenges,
  downstream: Downstream,
  record: ChallengeRecord,
): boolean {
  if (challenges.size === 0 || request.method !== GET) return false;
  if (request.queryEnd !== request.queryStart || request.bodyKind !== BODY_NONE) return false;
  const path = request.text(request.pathStart, request.pathEnd);
  if (!path.startsWith(prefix)) return false;
  const challenge = challenges.get(path.slice(prefix.length));
  if (challenge === undefined || challenge.host !== request.hostText()) return false;
  record.status = 200;
  downstream.answerOwn(200, "Content-Type: application/octet-stream\r\n", challenge.answer);
  return true;
}
