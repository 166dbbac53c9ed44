/** CSS that runs script or fetches style: old Internet Explorer and Gecko, and script URLs in any property. */

/** Whether the style text `[from, to)` runs script. Comments, escapes and controls may hide its letters. */
export function isActiveStyle(lower: string, from: number, to: number, sheet: boolean): boolean {
  const css = plainCss(lower, from, to);
  return (
    hasExpression(css) ||
    css.includes("-moz-binding") ||
    css.includes("-o-link") ||
    hasUrlAfter(css, "behavior", ["url", "expression"]) ||
    hasUrlAfter(css, "behaviour", ["url", "expression"]) ||
    hasScriptUrl(css) ||
    (sheet && (hasForeignImport(css) || readsValues(css))) ||
    (!sheet && ESCAPED_LETTERS.test(lower.slice(from, Math.min(to, from + 512))))
  );
}

/** Two escaped ASCII letters in an attribute: `\\63 olor`. Fonts and icons escape other characters. */
const ESCAPED_LETTERS =
  /\\0{0,4}(?:6[1-9a-f]|7[0-9a])(?![0-9a-f]{2})[\s\S]{0,40}?\\0{0,4}(?:6[1-9a-f]|7[0-9a])(?![0-9a-f]{2})/;

/** `@import` of anything but the font services that mail templates and themes use. */
function hasForeignImport(css: string): boolean {
  for (let at = css.indexOf("@import"); at >= 0; at = css.indexOf("@import", at + 7)) {
    const next = css.slice(at + 7, at + 60);
    if (!IMPORTED.test(next.slice(0, 16))) continue;
    if (!/^\s{0,4}(?:url\(\s{0,4})?["']?(?:https:)?\/\/fonts\.(?:googleapis\.com|bunny\.net)\//.test(next))
      return true;
  }
  return false;
}

const IMPORTED = /^.{0,8}(?:url|["']|\/\/|http|javascript|data)/s;

/** Selectors that guess a field's value letter by letter, and an address to tell it to. */
function readsValues(css: string): boolean {
  const at = css.search(/\[\s{0,4}value\s{0,4}[\^$*]=/);
  return at >= 0 && css.slice(at, at + 512).includes("url(");
}

/** A declaration's value that is a dynamic property of Internet Explorer: `width: expression(…)`. */
export function hasExpression(css: string): boolean {
  for (let at = css.indexOf("expression"); at >= 0; at = css.indexOf("expression", at + 10)) {
    let next = at + 10;
    while (next < css.length && isBlank(css.charCodeAt(next))) next += 1;
    if (css.charCodeAt(next) !== 0x28) continue;
    let before = at - 1;
    while (before >= 0 && at - before < 24 && css.charCodeAt(before) !== 0x3a) before -= 1;
    if (css.charCodeAt(before) !== 0x3a) continue;
    const inside = css.slice(next + 1, next + 65);
    if (/[(=.`]/.test(inside)) return true; // `regular expression(s)` has none of them.
  }
  return false;
}

/** Whether `word` occurs with one of `targets` within the next 12 characters. */
function hasUrlAfter(css: string, word: string, targets: readonly string[]): boolean {
  for (let at = css.indexOf(word); at >= 0; at = css.indexOf(word, at + word.length)) {
    const next = css.slice(at + word.length, at + word.length + 12);
    if (next.includes(":") && targets.some((target) => next.includes(target))) return true;
  }
  return false;
}

function hasScriptUrl(css: string): boolean {
  for (const scheme of ["javascript:", "vbscript:", "livescript:", "mocha:"]) {
    for (let at = css.indexOf(scheme); at >= 0; at = css.indexOf(scheme, at + scheme.length)) {
      const next = css.slice(at + scheme.length, at + scheme.length + 80);
      if (/[(`=]/.test(next)) return true;
    }
  }
  return false;
}

const STYLE_CHARS_MAX = 8192;

/** Style text without comments, backslashes and controls; numeric escapes were read by the views. */
function plainCss(lower: string, from: number, to: number): string {
  let css = "";
  let index = from;
  const end = Math.min(to, from + STYLE_CHARS_MAX);
  while (index < end) {
    const code = lower.charCodeAt(index);
    if (code === 0x2f && lower.charCodeAt(index + 1) === 0x2a) {
      const close = lower.indexOf("*/", index + 2);
      if (close < 0 || close >= end) break;
      index = close + 2;
      continue;
    }
    if (code !== 0x5c && (code > 0x20 || code === 0x20)) css += lower[index];
    index += 1;
  }
  return css;
}

function isBlank(code: number): boolean {
  return code <= 0x20 || code >= 0x80;
}
