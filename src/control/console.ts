import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A file of the page, ready to be sent. */
export interface Asset {
  readonly type: string;
  readonly body: string;
  readonly etag: string;
}

/**
 * The page's own policy: nothing from elsewhere, no inline script or style, and no text that becomes markup. What an
 * attacker wrote into a request is shown here to somebody who may change the gateway.
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const own = [
  "audit.js",
  "page.css",
  "page.js",
  "element.js",
  "gateway.js",
  "generations.js",
  "latency.js",
  "refusals.js",
  "traffic.js",
];

/** The files of the page by path; `/` is the page. Read once, from the package and from uPlot. */
export function readConsole(): ReadonlyMap<string, Asset> {
  const directory = join(import.meta.dirname, "console");
  const uplot = createRequire(import.meta.url).resolve("uplot/dist/uPlot.esm.js");
  const assets = new Map<string, Asset>();
  const add = (name: string, file: string): void => void assets.set(`/console/${name}`, asset(file));
  assets.set("/", asset(join(directory, "index.html")));
  for (const name of own) add(name, join(directory, name));
  add("uplot.js", uplot);
  add("uplot.css", uplot.replace("uPlot.esm.js", "uPlot.min.css"));
  return assets;
}

function asset(file: string): Asset {
  const body = readFileSync(file, "utf8");
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type: typeOf(file), body, etag };
}

function typeOf(file: string): string {
  if (file.endsWith(".html")) return "text/html; charset=utf-8";
  return file.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
}
