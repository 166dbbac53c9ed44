import { createHash } from "node:crypto";
import type { Config } from "./config.ts";
import { isOnlyFacts, isSecretName } from "./mask.ts";

/** A longer text is a file's contents: a certificate, a list of addresses. */
const textMax = 300;
/** Of a longer list the beginning is enough. */
const itemsMax = 200;

/** What only upstreams get: credentials for them stand there, under names that tell nothing. */
const fieldValue = /\.request_fields\.lines\.value$/;
const queryPairs = /\.rewrite\.query_(?:set|add)$/;

/** Objects under names of keys in which nothing is secret: what a limit counts by, where the audit writer finds its key. */
const harmless = new Set(["limits.keys", "audit.key", "audit.previous_key"]);

/**
 * The configuration in force as operators may see it, with every default: names as in the file, secrets as "<redacted>",
 * contents of files as their size and hash. What looks like a secret is taken for one, whoever named it so.
 */
export function showConfig(config: Config): Record<string, unknown> {
  const { waf, ...rest } = config;
  const rules = waf.rules.map(({ id, class: kind, score, sensitivity, enabled }) => ({
    name: id,
    class: kind,
    score,
    sensitivity,
    enabled,
  }));
  return {
    ...(show(rest, "", "") as object),
    waf: { ...(show({ ...waf, rules: [] }, "waf", "waf") as object), rules },
  };
}

/** `path`: names from the top, without numbers of lists. */
function show(value: unknown, name: string, path: string): unknown {
  if (typeof value === "boolean" || typeof value === "number" || value === null || value === undefined)
    return value;
  if (isHidden(name) && !harmless.has(path)) return redacted;
  if (typeof value === "string") return fieldValue.test(path) ? showTemplate(value) : showText(value);
  if (value instanceof Uint8Array) return summary(value);
  if (Array.isArray(value)) {
    if (queryPairs.test(path)) return value.map((pair) => [(pair as readonly string[])[0], redacted]);
    const shown = value.slice(0, itemsMax).map((one) => show(one, "", path));
    return value.length > itemsMax ? [...shown, `<${value.length - itemsMax} more>`] : shown;
  }
  if (typeof value !== "object") return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const own = snakeCase(key);
      return [own, show(one, own, path === "" ? own : `${path}.${own}`)];
    }),
  );
}

const redacted = "<redacted>";

/** Also the remains of secrets, which can be guessed from. */
function isHidden(name: string): boolean {
  return isSecretName(name) || /(^|_)(key_pem|salt|digest|sha256)$/.test(name);
}

/** Facts of the request are no secret; whatever else stands with them may be one. */
function showTemplate(text: string): string {
  return isOnlyFacts(text) ? text : redacted;
}

function showText(text: string): string {
  if (/PRIVATE KEY/.test(text)) return redacted;
  if (text.length > textMax) return summary(text);
  return text.replace(/:\/\/[^\s"']*@/g, "://…@");
}

function summary(content: string | Uint8Array): string {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
  return `<${Buffer.byteLength(content)} bytes, sha256 ${hash}…>`;
}

/** `maxBodyMb` to `max_body_mb`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
