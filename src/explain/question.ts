import type { Socket } from "node:net";
import { foldServerName } from "../cert/server-name.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import { readPeer } from "../identity/client-address.ts";
import type { LimitLevel } from "../limit/usage.ts";
import { Http1Connection } from "../listener/http1.ts";
import { reasons } from "../reason.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Explanation } from "./explanation.ts";
import { Pipe } from "./pipe.ts";
import type { Plane } from "./plane.ts";
import { explainEnding, explainNothing } from "./steps.ts";

/** One request as a client would send it. */
export interface Question {
  /** Head and body in HTTP/1.1; what follows is not looked at. */
  readonly bytes: Uint8Array;
  /** The peer's address. */
  readonly from: string;
  /** It comes to the TLS listener. */
  readonly secure: boolean;
  /** SNI; "" = none was sent. */
  readonly serverName: string;
  /** Only the decision is wanted, without steps. */
  readonly brief?: boolean;
}

/**
 * Takes one request through the plane, one at a time. The code is the listener's, the head parser's, the exchange's: only
 * the socket and the upstream are not real. `levels`: how far limits are used up; undefined = nobody knows. Rejects when `from` is no address, or nothing was decided in time.
 */
export async function explain(
  plane: Plane,
  question: Question,
  levels?: readonly LimitLevel[],
): Promise<Explanation> {
  const { state, observation } = plane;
  const peer = readPeer(question.from, state.snapshot.trustedProxies);
  if (peer === undefined) throw new Error(`not an address: ${JSON.stringify(question.from)}`);
  const tls = question.secure ? tlsFacts(question.serverName, state.snapshot) : undefined;
  const pipe = new Pipe();
  let explanation: Explanation | undefined;
  plane.unknown.clear();
  plane.limitUse.begin(levels);
  plane.onConcluded = (record, request) => {
    explanation ??= explainEnding(plane, question, peer, record, request);
  };
  observation.begin();
  const owner = { name: question.secure ? "https" : "http", forget() {} } as const;
  const connection = new Http1Connection(pipe as unknown as Socket, peer, tls, owner, state);
  pipe.put(question.bytes);
  const giveUpMs = state.clock.nowMs() + ANSWER_WITHIN_MS;
  let turns = 0;
  while (explanation === undefined && !pipe.destroyed) {
    await new Promise((resolve) => setImmediate(resolve));
    // Who waits for a gate is not told of the end: a client that leaves in the middle is another story.
    if (++turns === TURNS_BEFORE_END) pipe.push(null);
    if (observation.isWaiting) turns = Math.min(turns, TURNS_BEFORE_END - 1);
    if (state.clock.nowMs() > giveUpMs) break;
  }
  plane.onConcluded = () => {};
  connection.close(reasons.clientGone);
  return explanation ?? explainNothing(plane, question);
}

/** As for a client of today, without a certificate. The name is folded as the handshake does it. */
function tlsFacts(serverName: string, { clientAuth }: Snapshot): TlsFacts {
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    serverName: foldServerName(serverName) ?? "",
    clientPolicy: clientAuth?.find(serverName).id ?? "",
    clientCertificate: undefined,
  };
}

const ANSWER_WITHIN_MS = 10_000;
/** A request whose body is inspected in turns has not ended after the first of them. */
const TURNS_BEFORE_END = 3;
