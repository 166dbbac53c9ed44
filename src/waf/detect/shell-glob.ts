/** Paths of system files and programs spelled with wildcards: `/???/c?t`, `/bi[n]/bash`, `/etc/pas*`. */

const DIRECTORIES = ["etc", "bin", "sbin", "usr", "var", "tmp", "dev", "opt", "proc", "home", "root", "lib"];
const NAMES = [
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
];

const GLOB = /\/[\w./?*[\]!^-]{3,60}/y;

/** Does the path that starts at `at` (a slash) use wildcards and still mean a known file? Returns its end, or 0. */
export function globPathEnd(lower: string, at: number): number {
  GLOB.lastIndex = at;
  const raw = GLOB.exec(lower);
  if (raw === null || !/[?*[]/.test(raw[0])) return 0;
  // A bracket stands for one character, also with slashes among its members.
  const path = raw[0].replace(/\[[^\]]{1,16}\]/g, "?").replace(/\/{2,8}/g, "/");
  const parts = path.slice(1).split("/", 5);
  if (parts.length < 2) return 0;
  const last = parts[parts.length - 1]!;
  if (!/[?*]/.test(path) || last === "" || last === "*" || /^\*\.\w+$/.test(last)) return 0;
  if (!DIRECTORIES.some((name) => matches(parts[0]!, name))) return 0;
  for (let i = 1; i < parts.length; i++) if (!NAMES.some((name) => matches(parts[i]!, name))) return 0;
  // All question marks and stars say nothing: `/???/???`.
  const letters = path.replace(/[^a-z0-9]/g, "").length;
  return letters >= 1 || path.includes(" ") ? at + raw[0].length : 0;
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
