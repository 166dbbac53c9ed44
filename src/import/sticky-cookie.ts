import type { Keys } from "./draft.ts";
import { clamp } from "./measure.ts";
import { differs, needsYou, type Outcome } from "./verdict.ts";

/** What other programs say of the cookie by which clients keep to a member. */
export interface CookieWish {
  /** "" = the program's own name. */
  readonly name: string;
  /** Undefined = until the browser is closed. */
  readonly maxAgeSecs: number | undefined;
  /** "" = the whole host. */
  readonly path: string;
  readonly domain: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** In any case; "" = nothing said. */
  readonly sameSite: string;
}

const daySecs = 86_400;
const yearSecs = 31_536_000;

/** Writes `[upstream.NAME.sticky]` into the keys of an upstream. */
export function addSticky(keys: Keys, wish: CookieWish): Outcome {
  const { name, maxAgeSecs, path, domain, secure, httpOnly } = wish;
  const sticky: Keys = {};
  if (name !== "") {
    if (!/^[\w-]{1,64}$/.test(name) || /^__/.test(name))
      return needsYou("this name of a cookie is none here");
    sticky["cookie"] = name;
  }
  const sentences = ["the cookie is signed and of another form: clients begin anew, once"];
  if (maxAgeSecs === undefined) sentences.push("it lasts a day, not until the browser is closed");
  else sticky["ttl_secs"] = clamp(Math.round(maxAgeSecs), 60, yearSecs);
  if (sticky["ttl_secs"] === daySecs) delete sticky["ttl_secs"];
  if (path !== "" && path !== "/") {
    if (!/^\/[\x21-\x3a\x3c-\x7e]{0,255}$/.test(path)) return needsYou(`${path} is no path of a cookie`);
    sticky["path"] = path;
  }
  if (domain !== "") sentences.push("it is for the host alone, without `domain`");
  const sameSite = wish.sameSite.toLowerCase();
  // Browsers drop `none` without `secure`.
  if (secure || sameSite === "none") sticky["secure"] = true;
  else sentences.push("it is `secure` where the request came over TLS");
  if (!httpOnly) sticky["http_only"] = false;
  if (sameSite === "none" || sameSite === "strict") sticky["same_site"] = sameSite;
  else if (sameSite !== "lax") sentences.push("`same_site` is lax");
  keys["sticky"] = sticky;
  return differs(sentences.join("; "));
}
