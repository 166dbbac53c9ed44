import type { PathOptions } from "../../src/http/path.ts";

/**
 * The path rules once more, slow and rule by rule, for the property tests: every refusal that applies, and the
 * canonical form for paths without one. Works on text with one char per byte.
 */
export function readPathPlainly(path: string, options: PathOptions): PlainReading {
  const refusals = new Set<string>();
  const refuseIf = (condition: boolean, code: string) => {
    if (condition) refusals.add(code);
  };

  refuseIf(!path.startsWith("/"), "target_form");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are the point
  refuseIf(/[\x00-\x20"<>?\x7f-\xff]/.test(path), "target_char");
  refuseIf(!options.encodeRawChars && /[{}|^`]/.test(path), "target_char");
  refuseIf(path.includes("#"), "fragment");
  refuseIf(/\\|%5c/i.test(path), "backslash");
  refuseIf(/%(?![0-9a-f]{2})/i.test(path), "path_percent");
  refuseIf(CONTROL.test(path), "path_control");
  refuseIf(!isUtf8(path), "utf8");
  refuseIf(path.split("/").length - 1 > options.segmentsMax, "path_segments");

  const segments = path.split("/").slice(1);
  refuseIf(
    segments.slice(0, -1).some((segment) => segment.includes(";")),
    "path_params",
  );
  for (const segment of segments) for (const code of dotRefusals(segment)) refusals.add(code);

  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") {
      const parent = kept.at(-1);
      refuseIf(parent === undefined, "path_escape");
      refuseIf(parent === "", "path_slashes");
      refuseIf(parent !== undefined && /%2F/.test(parent), "path_encoded_slash");
      kept.pop();
    } else if (segment !== ".") {
      kept.push(canonicalText(segment));
    }
  }
  if (segments.at(-1) === "." || segments.at(-1) === "..") kept.push("");
  const canonical = `/${kept.join("/")}`;

  refuseIf(/%(20|09)$/.test(canonical), "path_space_tail");
  let view = canonical;
  for (let level = 0; level < 3; level++) {
    const opened = view.replace(ESCAPE, (coded) => (coded === "%25" ? "%" : canonicalText(coded)));
    if (opened === view) break;
    view = opened;
    refuseIf(/%5c/i.test(view) || CONTROL.test(view) || DOT_SEGMENT.test(view), "path_double");
  }
  return {
    refusals,
    canonical,
    route: canonical.replace(/\/+/g, "/"),
    hasEncodedSlash: canonical.includes("%2F"),
  };
}

export interface PlainReading {
  /** Codes of all refusals that apply. */
  readonly refusals: ReadonlySet<string>;
  readonly canonical: string;
  readonly route: string;
  readonly hasEncodedSlash: boolean;
}

const ESCAPE = /%[0-9a-f]{2}/gi;
const CONTROL = /%(0[0-8a-f]|1[0-9a-f]|7f)/i;
const EDGE = "(?:[/;]|%2f|%3b)";
const SPACES = "(?:%20|%09)*";
const ONE_DOT = `(?:\\.|%2e)${SPACES}`;
const DOT_SEGMENT = new RegExp(`${EDGE}${SPACES}${ONE_DOT}(?:${ONE_DOT})?(?=${EDGE}|$)`, "i");

function canonicalText(text: string): string {
  return text
    .replace(/[{}|^[\]`]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
    .replace(ESCAPE, (coded) => {
      const char = String.fromCharCode(Number.parseInt(coded.slice(1), 16));
      return /[\w.~-]/.test(char) ? char : coded.toUpperCase();
    });
}

/** Why pieces of a segment that are dots to somebody, but not plain dot segments, are refused. */
function dotRefusals(segment: string): string[] {
  if (segment === "." || segment === "..") return [];
  const parts = segment.split(/(%2f|%3b|;)/i);
  const codes: string[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const piece = parts[at]!;
    const trimmed = piece.replace(/%(20|09)/g, "");
    if (!/^\.{1,2}$/.test(trimmed.replace(/%2e/gi, "."))) continue;
    const edges = `${parts[at - 1] ?? ""}${parts[at + 1] ?? ""}`.toLowerCase();
    if (edges.includes("%2f")) codes.push("path_encoded_slash");
    if (edges.includes(";") || edges.includes("%3b")) codes.push("path_params");
    if (/%2e/i.test(piece)) codes.push("path_encoded_dot");
    if (trimmed !== piece) codes.push("path_space_tail");
  }
  return codes;
}

function isUtf8(path: string): boolean {
  const bytes = path
    .replace(/[\x80-\xff]/g, "?")
    .replace(ESCAPE, (coded) => String.fromCharCode(Number.parseInt(coded.slice(1), 16)));
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(bytes, "latin1"));
    return true;
  } catch {
    return false;
  }
}
