import { crlf } from "../../../src/waf/detect/crlf.ts";
import { crlfText } from "../../../src/waf/detect/crlf-text.ts";
import { html } from "../../../src/waf/detect/html.ts";
import { javascript } from "../../../src/waf/detect/javascript.ts";
import { scanner } from "../../../src/waf/detect/scanner.ts";
import { ssi } from "../../../src/waf/detect/ssi.ts";
import { template } from "../../../src/waf/detect/template.ts";
import type { Detection, Detector } from "../../../src/waf/detection.ts";

export const markupDetectors: readonly Detector[] = [
  html,
  javascript,
  template,
  ssi,
  crlf,
  crlfText,
  scanner,
];

/** Kinds a detector reports for a text, called as the engine does: only when one of its triggers occurs. */
export function kindsOf(detector: Detector, text: string): string[] {
  const latin = Buffer.from(text, "utf8").toString("latin1");
  const lower = latin.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (!detector.triggers.some((trigger) => lower.includes(trigger))) return [];
  const found: Detection[] = [];
  detector.detect({ text: latin, lower }, found);
  return found.map((detection) => detection.kind);
}

/** Kinds of rules that are active above sensitivity 1 only, or only in a request's head. */
export const quietKinds: ReadonlySet<string> = new Set([
  "html.tag", "html.breakout_tag", "html.clobber", "html.event_name", "html.event_end", "template.directive", "template.placeholder",
  "crlf.line_end", "crlf.cut_escape", "crlf.any_header", "crlf.header", "crlf.request_text", "crlf.markup",
]); // biome-ignore format: a list
