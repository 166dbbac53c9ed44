import { z } from "zod";
import { choice, keyDocs, optionalText, texts } from "./keys.ts";

const asnError = { error: "expected an array of numbers of autonomous systems" };
const asns = z.array(z.int(asnError).min(1, asnError).max(4_294_967_295, asnError), asnError).default([]);
keyDocs.add(asns, {
  type: "array of integers",
  preset: "[]",
  example: undefined,
  doc: "Autonomous systems whose networks are on the list, by `asn_db` of [geo].",
});

/** `[list.NAME]`. */
export const list = z.strictObject({
  action: choice(
    ["deny", "tarpit", "allow", "exempt"],
    "deny",
    "deny: who is on it is refused. tarpit: the same, after a while, see [tarpit]. allow: who is on none of the allow lists is refused. exempt: who is on it passes the other lists of the same place, and in [server] bans.",
  ),
  cidrs: texts({
    type: "array of addresses or CIDR blocks",
    default: [],
    doc: "Clients on the list, by their address behind trusted proxies.",
  }),
  file: optionalText({
    type: "path",
    example: "/etc/zion/lists/office.txt",
    doc: "More of them: one address or CIDR block a line, # or ; begins a comment, at most 500,000. Watched, like every file that is named here.",
  }),
  countries: texts({
    type: "array of country codes",
    default: [],
    doc: "Countries whose networks are on the list, by `country_db` of [geo]. Two letters: ISO 3166-1.",
  }),
  asns,
  user_agents: texts({
    default: [],
    doc: "Parts of a User-Agent, in any case, that put a client on the list too.",
  }),
});

export type ListInput = z.infer<typeof list>;
