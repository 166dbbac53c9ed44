import { isOriginPattern } from "../gate/origin-rule.ts";
import type { Keys } from "./draft.ts";
import type { IngressPlace } from "./ingress-row.ts";
import { clamp } from "./measure.ts";
import { differs, needsYou, type Outcome, translated } from "./verdict.ts";

/** What ingress-nginx answers where `enable-cors` stands alone. */
const presets = {
  origin: "*",
  methods: "GET, PUT, POST, DELETE, PATCH, OPTIONS",
  headers:
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
  maxAge: "1728000",
};

const served: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** The `cors-*` annotations as `[route.cors]`. Undefined: CORS is not asked for. */
export function translateCors({ settings, route }: IngressPlace): Outcome | undefined {
  if (settings.get("enable-cors") !== "true") return undefined;
  const words = (key: string, preset: string): readonly string[] =>
    (settings.get(key) ?? preset)
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
  const origins = words("cors-allow-origin", presets.origin);
  const good = origins.filter((origin) => isOriginPattern(origin));
  if (good.length < origins.length)
    return needsYou(
      "one of the origins cannot be said here: scheme and host, or `*`; there is no [route.cors]",
    );
  const sentences: string[] = [];
  const all = good.includes("*");
  const credentials = settings.get("cors-allow-credentials") !== "false";
  if (all && credentials)
    sentences.push(
      "every page may read answers, and none with credentials: name the origins to allow cookies",
    );
  const asked = words("cors-allow-methods", presets.methods).map((word) => word.toUpperCase());
  const methods = asked.filter((method) => served.includes(method));
  const maxAge = Number(settings.get("cors-max-age") ?? presets.maxAge);
  if (!(maxAge <= 604_800)) sentences.push("browsers may remember a preflight for a week at most");
  const cors: Keys = {
    allowed_origins: good,
    allowed_methods: methods.length === 0 ? served : methods,
    allowed_headers: names(words("cors-allow-headers", presets.headers)),
    allow_credentials: credentials && !all,
    max_age: Number.isFinite(maxAge) ? clamp(Math.round(maxAge), 0, 604_800) : 86_400,
  };
  const exposed = names(words("cors-expose-headers", ""));
  if (exposed.length > 0) cors["exposed_headers"] = exposed;
  route["cors"] = cors;
  return sentences.length === 0 ? translated("[route.cors]") : differs(sentences.join("; "));
}

function names(words: readonly string[]): readonly string[] {
  return words.filter((word) => /^[A-Za-z0-9-]{1,64}$/.test(word)).slice(0, 64);
}
