import { Client } from "undici";
import { describe } from "./probe.ts";

export interface WitnessQuestion {
  /** Sent by POST; undefined = GET. */
  readonly body?: string;
  /** A longer answer is none. */
  readonly bytesMax: number;
  /** For everything: name, connection, TLS, answer. */
  readonly deadlineMs: number;
}

export interface WitnessReply {
  readonly status: number;
  readonly body: string;
}

/**
 * Asks a witness, who is a stranger: no redirects, one deadline, a cap on what it may send. Throws an error whose message
 * says why there is no answer.
 */
export async function askWitness(address: string, question: WitnessQuestion): Promise<WitnessReply> {
  const { body, bytesMax, deadlineMs } = question;
  let client: Client | undefined;
  try {
    const url = new URL(address);
    client = new Client(url.origin, {
      connect: { timeout: deadlineMs },
      allowH2: false,
      pipelining: 0,
      maxHeaderSize: 16_384,
      maxResponseSize: bytesMax,
    });
    const answer = await client.request({
      method: body === undefined ? "GET" : "POST",
      path: `${url.pathname}${url.search}`,
      headers: {
        ...(body === undefined ? {} : { "content-type": "text/plain; charset=utf-8" }),
        "accept-encoding": "identity",
        "user-agent": "zion-audit",
      },
      body: body ?? null,
      signal: AbortSignal.timeout(deadlineMs),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return { status: answer.statusCode, body: await answer.body.text() };
  } catch (cause) {
    const isLong = (cause as NodeJS.ErrnoException).code === "UND_ERR_RES_EXCEEDED_MAX_SIZE";
    throw new Error(isLong ? `an answer of more than ${bytesMax} bytes` : describe(cause));
  } finally {
    client?.destroy().catch(() => {});
  }
}
