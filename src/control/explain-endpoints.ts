import type { Config } from "../config/config.ts";
import type { RangeTable } from "../identity/range-table.ts";
import type { ClientScores } from "../identity/score-table.ts";
import type { RunningLimits } from "../limit/usage.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type ControlAnswer, json, text } from "./control-listener.ts";
import type { Family } from "./obituaries.ts";

/** A request that somebody asks about. Its bytes are a client's: nobody here reads them. */
export interface AskedRequest {
  readonly bytes: Uint8Array;
  /** The peer's address. */
  readonly from: string;
  readonly secure: boolean;
  readonly serverName: string;
}

/** What decides about it in the gateway that runs. */
export interface Deciders {
  readonly config: Config;
  readonly generation: number;
  /** Undefined = nobody is banned. */
  readonly banned: RangeTable | undefined;
  readonly limits: RunningLimits;
  /** What other edges say of clients; undefined = nothing is known. */
  readonly scores: ClientScores | undefined;
  readonly family: Family;
}

/** Takes a request through the configuration in force, in a process of its own. Rejects with what is wrong. */
export type ExplainRequest = (asked: AskedRequest) => Promise<object>;

/** `POST /v1/explain`: one at a time, because each costs a process. */
export function explainEndpoints(explain: ExplainRequest): readonly AdminEndpoint[] {
  let isBusy = false;
  async function answer(body: Buffer): Promise<ControlAnswer> {
    const asked = readAsked(body);
    if (typeof asked === "string") return text(400, asked);
    if (isBusy) return text(503, "another request is being explained", { "Retry-After": "1" });
    isBusy = true;
    try {
      return json(200, await explain(asked));
    } catch (error) {
      return text(422, error instanceof Error ? error.message : String(error));
    } finally {
      isBusy = false;
    }
  }
  return [
    {
      method: "POST",
      path: "/v1/explain",
      role: "operate",
      does: "what the configuration in force, bans and limits would do with a request: bytes (base64), from, secure, server_name",
      answer: ({ body }) => answer(body),
    },
  ];
}

function readAsked(body: Buffer): AskedRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    return "the body is no JSON";
  }
  if (typeof value !== "object" || value === null) return "the body is no JSON object";
  const { bytes, from, secure, server_name: serverName } = value as Record<string, unknown>;
  if (typeof bytes !== "string" || typeof from !== "string") return "bytes and from: expected text";
  if (typeof secure !== "boolean" || typeof serverName !== "string")
    return "secure and server_name: expected true or false, and text";
  return { bytes: Buffer.from(bytes, "base64"), from, secure, serverName };
}
