import type { Detector } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { findPadding, PADDING_TRIGGERS } from "./path-padding.ts";
import { findSensitivePath, SENSITIVE_TRIGGERS } from "./path-sensitive.ts";
import { findTraversal, TRAVERSAL_TRIGGERS } from "./path-traversal.ts";
import { isManyLines } from "./shell-script.ts";

/** File names that leave their directory, name a system's own files, or are read through a stream wrapper. */

/** Wrappers of PHP and Java that turn a file name into a protocol. */
const WRAPPERS =
  "php:\\/\\/(?:filter|input|stdin|stdout|stderr|output|memory|temp|fd)|(?:phar|zip|rar|ogg|glob|expect):\\/\\/[\\w./~%*]|zlib:(?!:)|compress\\.(?:zlib|bzip2|zstd):\\/\\/|ssh2\\.(?:shell|exec|tunnel|sftp|scp):\\/\\/|netdoc:\\/?|jar:(?:file|https?|ftp):";

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "path.stream_wrapper",
    needs: [
      "php://",
      "phar:",
      "zip:",
      "rar:",
      "ogg:",
      "glob:",
      "expect:",
      "zlib:",
      "compress.",
      "ssh2.",
      "netdoc:",
      "jar:",
    ],
    pattern: new RegExp(`(?:^|[^a-z0-9+.-])(?:${WRAPPERS})`, "g"),
  },
  {
    // data:text/… is everyday in pages; with the PHP spelling `data://` or a script as content it is an inclusion.
    kind: "path.stream_wrapper",
    needs: ["data:"],
    pattern:
      /(?:^|[=\s"'(])data:(?:\/\/|;base64,pd9|(?:\/\/)?text\/(?:plain|html|x-php)?(?:;charset=[\w-]{1,12})?(?:;base64)?,\s{0,4}(?:<\?|pd9|%3c%3f)|(?:[a-z]{2,12}\/[a-z0-9.+-]{1,30})?(?:;base64)?,\s{0,4}<\?(?:php|=))/g,
  },
  {
    kind: "path.filter_chain",
    needs: ["convert.", "string.", "zlib.", "mcrypt.", "mdecrypt."],
    pattern:
      /(?:^|[|/=])(?:convert\.(?:iconv\.[\w.*:-]{2,40}|base64-(?:de|en)code|quoted-printable-(?:de|en)code)|string\.(?:rot13|toupper|tolower|strip_tags)|zlib\.(?:inflate|deflate)|mcrypt\.|mdecrypt\.)(?=[|/.\s]|$)/g,
  },
  {
    kind: "path.file_url",
    needs: ["file:"],
    pattern:
      /(?:^|[=\s"'(,<>])(?:url:|jar:)?file:(?:\/{1,4}|\\{1,4})(?:localhost)?\/{0,4}\.{0,2}\/{0,4}(?:etc|proc|sys|dev|var|root|home|usr|opt|tmp|windows|winnt|boot\.ini|[a-z][:|][\\/]{0,4}(?:windows|winnt|boot\.ini|inetpub|xampp|wamp|users[\\/]\w{1,20}[\\/](?:\.ssh|appdata|ntuser)))(?:[\\/.]|$)/g,
    accept: (match, { lower }) => match.index <= 1 || !(isManyLines(lower) || isRemark(match, lower)),
  },
  {
    // //host/c$/…, \\127.0.0.1\share: a file name that makes Windows log in elsewhere.
    kind: "path.network_share",
    needs: ["$/", "$\\", "admin$", "ipc$", "print$"],
    pattern:
      /^[\s"']{0,4}(?:file:)?\/?(?:\\\\|\/\/)(?:\?\\unc\\|\.\\|::1|127\.0\.0\.1|localhost|[a-z0-9.-]{1,60})(?:@ssl)?(?:@\d{1,5})?[\\/]{1,2}(?:[a-z]\$[\\/]|(?:admin|ipc|print)\$(?:[\\/]|$))/g,
  },
  {
    kind: "path.device",
    needs: ["\\\\.\\", "\\\\?\\", "/dev/"],
    pattern:
      /^\s{0,4}(?:\\\\[.?]\\(?:[a-z]:|globalroot|physicaldrive\d|pipe\\)|\/dev\/(?:tcp|udp|random|urandom|zero|stdin|fd\/\d|mem|kmem)\b)/g,
  },
  {
    kind: "path.truncation",
    needs: ["./././././", ".\\.\\.\\", "/./././.", "\\.\\.\\."],
    pattern: /(?:\.[/]){32}|(?:[/]\.){32}/g,
  },
];

const KINDS = {
  "path.traversal":
    "dots and slashes that leave the directory, in a way no link is written or to a file of the system",
  "path.encoded_traversal": "a step to the parent directory in an encoding that no client uses",
  "path.sensitive_file": "the name of a file of the system, a server or its logs as the whole value",
  "path.restricted_resource": "a request for a file that a web server keeps for itself",
  "path.null_byte": "a NUL that cuts the suffix off a file name",
  "path.stream_wrapper": "a stream wrapper where a file name is expected",
  "path.filter_chain": "a filter of PHP streams",
  "path.file_url": "a file: address of a system file",
  "path.network_share": "an administrative share of a machine",
  "path.device": "a device as a file name",
  "path.truncation": "a file name made of steps into the same directory until its suffix falls off",
  "path.padding": "a file name that begins with a run of one letter, until its suffix falls off",
  "path.relative_climb": "a relative file name that goes up several directories",
} as const;

const traversal: Detector = {
  name: "path.traversal",
  kinds: pick("path.traversal", "path.encoded_traversal", "path.null_byte", "path.relative_climb"),
  triggers: TRAVERSAL_TRIGGERS,
  detect: findTraversal,
};

const sensitive: Detector = {
  name: "path.sensitive_file",
  kinds: pick("path.sensitive_file", "path.restricted_resource"),
  triggers: SENSITIVE_TRIGGERS,
  detect: findSensitivePath,
};

const padding: Detector = {
  name: "path.padding",
  kinds: pick("path.padding"),
  triggers: PADDING_TRIGGERS,
  detect: findPadding,
};

export const path: readonly Detector[] = [...detectorsOf(KINDS, PATTERNS), traversal, sensitive, padding];

/** A sentence that names a file which is no configuration: `see file:///usr/share/doc/x/index.html for more`. */
function isRemark(match: RegExpExecArray, lower: string): boolean {
  return (
    (lower.length > 120 || /[a-z]{2,} $/.test(lower.slice(0, match.index + 1))) &&
    !lower.includes("<") &&
    !/(?:etc|proc|sys|root|windows|winnt|boot\.ini)/.test(match[0]) &&
    !/^[^ ]*?(?:\/\.|passwd|shadow|id_[rd]sa|history|secret|credential)/.test(
      lower.slice(match.index + 1, match.index + 200),
    )
  );
}

function pick(...kinds: readonly (keyof typeof KINDS)[]): Record<string, string> {
  return Object.fromEntries(kinds.map((kind) => [kind, KINDS[kind]]));
}
