/** What follows a command word: the part of the proof that is not its name. */

export const evidence = {
  /** Nothing more: the value, the substitution or the command ends. */
  end: 1,
  /** `-x`, `--long`, `/x`. */
  option: 2,
  /** A path that is absolute, relative with dots, of a home or of a drive. */
  path: 4,
  /** An address with a scheme, or an IPv4 address. */
  address: 8,
  /** `> file`, `</etc/x`, `<<<`. */
  redirect: 16,
  /** `$IFS`, `$(…)`, backticks. */
  expansion: 32,
  number: 64,
  quoted: 128,
  /** Any other word. */
  word: 256,
  /** An option, path or redirection behind other words. */
  later: 512,
} as const;

export interface Evidence {
  /** Bits of `evidence`; 0 when the word is followed by what follows no command (`:`, `=`, `(`). */
  readonly bits: number;
  readonly end: number;
}

/** Arguments are read this far. */
const ARGUMENTS_MAX = 240;

const SYSTEM_ROOT =
  /(?:\/(?:etc|proc|var|tmp|usr|bin|sbin|home|root|dev|opt|sys|mnt|srv|www|passwd|lib)(?=[/\s;|&)`"']|$)|\/(?=[;|&)`]|$)|~(?:[a-z_][\w-]{0,31})?\/|\.{1,2}\/|[a-z]:(?:[\\/]|%5c)|%(?:[a-z][a-z_]{1,19}|\w{3,20})%|\\\\\w|\/[?*[]|\*(?=[;|&.]|$))/y;
/** `if=/dev/sda`: the operand of dd and its kind. */
const OPERAND = /(?:if|of|file|path|url)=(?:\/|\.{1,2}\/|~\/|[a-z]{2,6}:\/\/|[a-z]:\\)/y;
const PATH = /\/[\w.~-]{1,60}\/[\w.*?[-]/y;
const OPTION = /(?:-[a-z0-9?]{1,12}-?(?=[\s;|&)`"'=:.]|$)|--[a-z][a-z-]{1,30}|\+[a-z]{1,12}(?=[\s=]))/y;
const WINDOWS_OPTION = /\/[a-z?]{1,12}(?:[:=]\S{1,40})?(?=[\s;|&)"']|$)/y;
const ADDRESS = /["']?(?:(?:https?|ftps?|tftp|ldap|smb):|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)/y;
const REDIRECT =
  /(?:[012&]?>{1,2}\s{0,4}(?:[&/~.$%]|[\w-]{1,40}[./]\w|\w:)|<{3}|<>?\s{0,4}(?:\/(?:etc|proc|dev|tmp|var|home)\/|\(|\$))/y;
const EXPANSION = /(?:\$\{?ifs\b|\$\(|`|\$\{?\w|\$['"@$])/y;
const ASSIGNED = /[:+*/|.-]?={1,3}[\s>]/y;
const BLANK = /(?:[ \t+]|%20|%09)/y;

/** Reads what stands behind a command word that ended at `at`. */
export function evidenceAt(lower: string, at: number): Evidence {
  if (isEnd(lower, at)) return { bits: evidence.end, end: at };
  if (test(REDIRECT, lower, at)) return { bits: evidence.redirect, end: at + 2 };
  if (test(EXPANSION, lower, at)) return { bits: evidence.expansion, end: at + 2 };
  if (!test(BLANK, lower, at)) return { bits: 0, end: at };
  let from = at;
  while (from < at + 40 && test(BLANK, lower, from)) from = BLANK.lastIndex;
  if (isEnd(lower, from)) return { bits: evidence.end, end: from };
  // `df = x`, `id == 3`: a variable.
  if (test(ASSIGNED, lower, from)) return { bits: 0, end: at };
  const first = argument(lower, from);
  let bits: number = first;
  // Words may come before what proves the command: `net user x y /add`, `getent hosts name`.
  const limit = Math.min(lower.length, from + ARGUMENTS_MAX);
  let end = from;
  for (let blank = false, words = 0; end < limit; end++) {
    const code = lower.charCodeAt(end);
    if (isSeparator(code)) break;
    if (code === 0x20 || code === 0x09 || code === 0x2b) blank = true;
    else if (blank || code === 0x3e || code === 0x3c) {
      if (blank && ++words > 6) break;
      blank = false;
      if (
        end > from &&
        argument(lower, end) &
          (evidence.option | evidence.path | evidence.address | evidence.redirect | evidence.expansion)
      ) {
        bits |= evidence.later;
        // Input from a file of the system, attached to any argument, is input of the command.
        if (code === 0x3c) bits |= evidence.redirect;
      }
    }
  }
  return { bits, end };
}

/** The class of the argument that begins at `at`. */
function argument(lower: string, at: number): number {
  if (test(OPTION, lower, at)) return evidence.option;
  if (test(SYSTEM_ROOT, lower, at) || test(PATH, lower, at) || test(OPERAND, lower, at)) return evidence.path;
  if (test(WINDOWS_OPTION, lower, at)) return evidence.option;
  if (test(ADDRESS, lower, at)) return evidence.address;
  if (test(REDIRECT, lower, at)) return evidence.redirect;
  if (test(EXPANSION, lower, at)) return evidence.expansion;
  const code = lower.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return evidence.number;
  if (code === 0x22 || code === 0x27) {
    return test(SYSTEM_ROOT, lower, at + 1) ? evidence.path | evidence.quoted : evidence.quoted;
  }
  return evidence.word;
}

function test(pattern: RegExp, lower: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(lower);
}

function isSeparator(code: number): boolean {
  return code === 0x3b || code === 0x7c || code === 0x26 || code === 0x0a || code === 0x0d || code === 0x60;
}

/** End of the value or of the command: a separator, a closing bracket, a comment sign, an escape for a line end. */
function isEnd(lower: string, at: number): boolean {
  if (at >= lower.length) return true;
  const code = lower.charCodeAt(at);
  if (isSeparator(code) || code === 0x29 || code === 0x23 || code === 0x00) return true;
  if (code === 0x22 || code === 0x27) {
    if (at + 1 >= lower.length) return true;
    const next = lower.charCodeAt(at + 1);
    // `''` before a blank is an empty argument.
    return next === code ? !isBlank(lower.charCodeAt(at + 2)) : isEndOrSpace(next);
  }
  if (code === 0x5c) return /^\\[nr](?:\W|$)/.test(lower.slice(at, at + 3)) || at + 1 === lower.length;
  if (code === 0x7d) return true;
  return code === 0x25 && /^%(?:00|0[ad]|23|26|7c|3b)/.test(lower.slice(at, at + 3));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isEndOrSpace(code: number): boolean {
  return (
    isSeparator(code) || code === 0x20 || code === 0x29 || code === 0x22 || code === 0x27 || code === 0x23
  );
}
