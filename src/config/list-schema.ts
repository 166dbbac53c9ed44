import { z } from "zod";
import { choice, optionalText, texts } from "./keys.ts";

/** `[list.NAME]`. */
export const list = z.strictObject({
  action: choice(
    ["deny", "allow", "exempt"],
    "deny",
    "deny: who is on it is refused. allow: who is on none of the allow lists is refused. exempt: who is on it passes the other lists of the same place.",
  ),
  cidrs: texts({
    type: "array of addresses or CIDR blocks",
    default: [],
    doc: "Clients on the list, by their address behind trusted proxies.",
  }),
  file: optionalText({
    type: "path",
    example: "/etc/zion/lists/office.txt",
    doc: "More of them: one address or CIDR block a line, # or ; begins a comment, at most 500,000. Read again at each reload.",
  }),
  user_agents: texts({
    default: [],
    doc: "Parts of a User-Agent, in any case, that put a client on the list too.",
  }),
});

export type ListInput = z.infer<typeof list>;
