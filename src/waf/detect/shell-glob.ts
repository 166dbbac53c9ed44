/** Paths of system files and programs spelled with wildcards: `/???/c?t`, `/bi[n]/bash`, `/etc/pas*`. */

const DIRECTORIES = namesOf([
  "etc",
  "bin",
  "sbin",
  "usr",
  "var",
  "tmp",
  "dev",
  "opt",
  "proc",
  "home",
  "root",
  "lib",
]);
const NAMES = namesOf([
  "passwd",
  "shadow",
  "group",
  "hosts",
  "issue",
  "bin",
  "sbin",
  "local",
  "cat",
  "bash",
  "sh",
  "dash",
  "zsh",
  "ls",
  "id",
  "nc",
  "ncat",
  "nc.traditional",
  "netcat",
  "wget",
  "curl",
  "uname",
  "whoami",
  "ping",
  "python",
  "python3",
  "perl",
  "ruby",
  "php",
  "sleep",
  "env",
  "echo",
  "head",
  "tail",
  "more",
  "less",
  "grep",
  "sed",
  "awk",
  "tac",
  "nl",
  "base64",
  "xxd",
  "tee",
  "touch",
  "chmod",
  "ps",
  "log",
  "self",
  "nslookup",
  "dig",
  "printf",
  "networks",
  "resolv.conf",
  "crontab",
  "tcp",
  "find",
  "rm",
  "cp",
  "mv",
  "kill",
  "time",
]);

function namesOf(texts: readonly string[]): readonly Name[] {
  return texts.map((text) => ({ text, letters: lettersOf(text) }));
}

/** What a path with wildcards is written with: letters, digits, `_ . / ? * [ ] ! ^ -`. */
const PATH_CHARACTERS = new Uint8Array(256);
for (const character of "abcdefghijklmnopqrstuvwxyz0123456789_./?*[]!^-")
  PATH_CHARACTERS[character.charCodeAt(0)] = 1;
/** Longer paths are not spelled this way. */
const PATH_MAX = 61;

/**
 * Does the path that starts at `at` (a slash) use wildcards and still mean a known file? Returns its end, or minus the
 * offset behind it: the caller goes on there, so no character is read for two paths.
 */
export function globPathEnd(lower: string, at: number): number {
  const limit = Math.min(lower.length, at + PATH_MAX);
  let end = at + 1;
  let wild = 0;
  let letters = 0;
  for (; end < limit; end++) {
    const code = lower.charCodeAt(end);
    if (PATH_CHARACTERS[code] !== 1) break;
    if (code === 0x2a || code === 0x3f || code === 0x5b) wild++;
    else if ((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)) letters++;
  }
  // All question marks and stars say nothing: `/???/???`.
  if (wild === 0 || letters === 0 || end - at < 4) return -end;
  // A bracket stands for one character, also with slashes among its members.
  const path = lower
    .slice(at, end)
    .replace(/\[[^\]]{1,16}\]/g, "?")
    .replace(/\/{2,8}/g, "/");
  return isKnownFile(path) ? end : -end;
}

/** Directories above a file, and the file. */
const PARTS_MAX = 5;

function isKnownFile(path: string): boolean {
  const parts = path.slice(1).split("/", PARTS_MAX);
  if (parts.length < 2) return false;
  const last = parts[parts.length - 1]!;
  if (!/[?*]/.test(path) || last === "" || last === "*" || /^\*\.\w+$/.test(last)) return false;
  if (!/[a-z0-9]/.test(path) || !hasMatch(parts[0]!, DIRECTORIES)) return false;
  for (let i = 1; i < parts.length; i++) if (!hasMatch(parts[i]!, NAMES)) return false;
  return true;
}

/** A name lacks none of its pattern's letters and is not shorter: few names are compared character by character. */
function hasMatch(pattern: string, names: readonly Name[]): boolean {
  const letters = lettersOf(pattern);
  let least = 0;
  for (let at = 0; at < pattern.length; at++) if (pattern.charCodeAt(at) !== 0x2a) least++;
  for (const name of names)
    if ((letters & ~name.letters) === 0 && least <= name.text.length && matches(pattern, name.text))
      return true;
  return false;
}

interface Name {
  readonly text: string;
  readonly letters: number;
}

/** The letters that occur, one bit each. */
function lettersOf(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at) - 0x61;
    if (letter >= 0 && letter < 26) bits |= 1 << letter;
  }
  return bits;
}

/** Glob match with `?` and `*`; both sides are short, stars are few. */
function matches(pattern: string, name: string): boolean {
  if (pattern.length > 24) return false;
  let p = 0;
  let n = 0;
  let star = -1;
  let mark = 0;
  while (n < name.length) {
    if (pattern[p] === "?" || pattern[p] === name[n]) {
      p++;
      n++;
    } else if (pattern[p] === "*") {
      star = p++;
      mark = n;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
