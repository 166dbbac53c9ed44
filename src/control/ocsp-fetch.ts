import { X509Certificate } from "node:crypto";
import { Client } from "undici";
import { certificateId, printOcspRequest } from "../cert/ocsp-request.ts";
import { type OcspAnswer, readOcspResponse } from "../cert/ocsp-response.ts";
import { systemClock } from "../std/clock.ts";
import { describe } from "./probe.ts";

export interface OcspTask {
  /** The certificate and its issuer's, PEM. */
  readonly leafPem: string;
  readonly issuerPem: string;
  /** http(s) URL of the responder. */
  readonly url: string;
  /** An answer from before: taken as long as it is good for half of its time. */
  readonly cached: Uint8Array | undefined;
}

export type OcspResult = OcspAnswer & { readonly der: Uint8Array };

/** For everything: name, connection, answer. */
const DEADLINE_MS = 8000;
const RESPONSE_BYTES_MAX = 65_536;

/** Asks a responder about a certificate, unless a cached answer will do. A string says why there is none. */
export async function fetchOcsp(
  task: OcspTask,
  nowMs = systemClock.wallMs(),
  deadlineMs = DEADLINE_MS,
): Promise<OcspResult | string> {
  const leaf = new X509Certificate(task.leafPem);
  const issuer = new X509Certificate(task.issuerPem);
  const question = { id: certificateId(leaf, issuer), issuer, nowMs };
  if (task.cached !== undefined) {
    const der = Buffer.from(task.cached);
    const answer = readOcspResponse(der, question);
    if (typeof answer !== "string" && nowMs < refreshMs(answer)) return { ...answer, der };
  }
  const der = await post(task.url, printOcspRequest(question.id), deadlineMs);
  if (typeof der === "string") return der;
  const answer = readOcspResponse(der, question);
  return typeof answer === "string" ? answer : { ...answer, der };
}

/** When to ask again: half of its time over. */
export function refreshMs({ thisUpdateMs, nextUpdateMs }: OcspAnswer): number {
  return (thisUpdateMs + nextUpdateMs) / 2;
}

/** No redirects, one deadline, a cap. Plain http is usual here: the answer is signed. */
async function post(address: string, body: Buffer, deadlineMs: number): Promise<Buffer | string> {
  let client: Client | undefined;
  try {
    const url = new URL(address);
    client = new Client(url.origin, {
      connect: { timeout: deadlineMs, minVersion: "TLSv1.2" },
      allowH2: false,
      pipelining: 0,
      maxHeaderSize: 16_384,
      maxResponseSize: RESPONSE_BYTES_MAX,
    });
    const answer = await client.request({
      method: "POST",
      path: `${url.pathname}${url.search}`,
      headers: {
        "content-type": "application/ocsp-request",
        accept: "application/ocsp-response",
        "accept-encoding": "identity",
        "user-agent": "zion-ocsp",
      },
      body,
      signal: AbortSignal.timeout(deadlineMs),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    if (answer.statusCode !== 200) return `status ${answer.statusCode}`;
    return Buffer.from(await answer.body.arrayBuffer());
  } catch (cause) {
    return describe(cause);
  } finally {
    client?.destroy().catch(() => {});
  }
}
