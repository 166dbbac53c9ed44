import { randomBytes } from "node:crypto";
import type { AdminRole } from "../config/config.ts";
import { digestToken } from "../control/admin-tokens.ts";
import { systemClock } from "../std/clock.ts";
import { exitCodes } from "./exit-code.ts";
import type { Output } from "./output.ts";

const dayMs = 86_400_000;

/**
 * `zion token NAME`: a table for `[admin]` on standard output, and the token itself, which is kept nowhere, beside it.
 */
export function tokenCommand(
  { name, role, days }: { readonly name: string; readonly role: AdminRole; readonly days: number },
  output: Output,
): number {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) {
    output.err.write(
      "error: a name has 1 to 64 letters, digits and _.-, and begins with a letter or digit\n",
    );
    return exitCodes.usage;
  }
  // The prefix lets scanners find one that was committed.
  const token = `zion_admin_${randomBytes(32).toString("base64url")}`;
  const expires = new Date(systemClock.wallMs() + days * dayMs).toISOString().slice(0, 10);
  // A dot in a bare key would begin a table of its own.
  const key = name.includes(".") ? JSON.stringify(name) : name;
  output.out.write(
    `[admin.token.${key}]\nsha256 = "${digestToken(token).toString("hex")}"\nrole = "${role}"\nexpires = ${expires}\n`,
  );
  output.err.write(`token, shown this once: ${token}\n`);
  return exitCodes.ok;
}
