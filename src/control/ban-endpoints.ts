import type { AdminEndpoint } from "./admin.ts";
import type { Bans } from "./bans.ts";
import { type ControlAnswer, json } from "./control-listener.ts";

export type BanSource = Pick<Bans, "list" | "add" | "lift">;

const SECS_MAX = 31_536_000;

/** What operators see of bans, and do to them. */
export function banEndpoints(bans: BanSource): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/bans",
      role: "read",
      does: "who is banned: since when, until when, for what",
      answer: () => json(200, { bans: bans.list() }),
    },
    {
      method: "POST",
      path: "/v1/bans",
      role: "operate",
      does: 'bans {"address": an address or CIDR block, "secs": for how long, absent = until it is lifted}',
      answer: ({ body }) => add(bans, body.toString("utf8")),
    },
    {
      method: "DELETE",
      path: "/v1/bans/{address}",
      role: "operate",
      does: "lifts a ban, and forgets what the client did; the / of a block is written %2F",
      answer: (_request, address) =>
        bans.lift(address) ? json(200, { lifted: address }) : json(404, { error: "not banned" }),
    },
  ];
}

function add(bans: BanSource, text: string): ControlAnswer {
  const asked = readBan(text);
  if (asked === undefined) return json(400, { error: 'expected {"address": "192.0.2.7", "secs": 3600}' });
  const result = bans.add(asked.address, asked.secs);
  return "name" in result ? json(200, { banned: result.name }) : json(422, { error: result.problem });
}

function readBan(text: string): { readonly address: string; readonly secs: number | undefined } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { address, secs, ...others } = value as Record<string, unknown>;
  if (typeof address !== "string" || Object.keys(others).length > 0) return undefined;
  if (secs === undefined) return { address, secs };
  return typeof secs === "number" && Number.isInteger(secs) && secs >= 1 && secs <= SECS_MAX
    ? { address, secs }
    : undefined;
}
