import type { Detector, Subject } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { isBetweenWords } from "./prose.ts";
import { commandClass } from "./shell-commands.ts";
import { isManyLines } from "./shell-script.ts";

/** PHP source and PHP data in a value: open tags, calls, superglobals, variable functions, serialised objects. */

/** Functions that run a command or evaluate their argument: a call with an argument is enough. */
const COMMAND_FUNCTIONS =
  "system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|assert|eval|create_function|call_user_func|call_user_func_array|invokeargs|expect_popen|dl|ssh2_exec";

/** Functions whose call is no JavaScript or Python call of the same name. */
const PHP_ONLY_FUNCTIONS =
  "base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|convert_uudecode|hex2bin|file_get_contents|file_put_contents|readfile|show_source|highlight_file|php_uname|php_strip_whitespace|move_uploaded_file|parse_ini_file|ini_set|ini_get_all|posix_getpwuid|posix_kill|getmyuid|get_defined_vars|get_defined_functions|extract|parse_str|putenv|fsockopen|curl_exec|unserialize|phpversion|phpcredits|error_log|set_include_path|mb_ereg_replace|disk_free_space|opendir|scandir|var_dump|print_r|var_export|array_diff_ukey|func_get_args|opcache_get_status|mysql_query|mysqli_query|pg_query";

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "php.open_tag",
    needs: ["<?"],
    pattern:
      /<\?(?:php\b|=|\s{0,8}(?:php\s|[@$]|(?:echo|print|eval|exec|system|passthru|include|require|phpinfo|assert|die|exit|if|for|while)\b\s{0,8}["'$(`@]))/g,
    accept: (match, { lower }) =>
      isCode(lower, match.index + match[0].length, match[0]) && !isExplained(lower, match.index),
    explains: (_match, { lower }) => isOrdinaryProgram(lower),
  },
  {
    // A processing instruction that goes on like code is PHP with short_open_tag, whatever name it begins with.
    kind: "php.open_tag",
    needs: ["<?"],
    pattern: /<\?xml\s{1,20}(?:\(\s{0,4}\)\s{0,4};|:?\s{0,4}[a-z_]{2,20}\s{0,4}(?:\(|["'$\d]))/g,
    accept: (match) => !/<\?xml\s{1,20}(?:version|encoding|standalone)/.test(match[0]),
  },
  { kind: "php.template_tag", needs: ["php]", "php}"], pattern: /[[{][\\/]?php[}\]]/g },
  {
    kind: "php.superglobal",
    needs: ["$_", "$globals"],
    pattern:
      /\$(?:_(?:get|post|request|cookie|server|files|env|session)|globals)\b(?:\s{0,4}(?:\[|\{)|$)|\$_(?:get|post|request|cookie|server|files|env|session)\b\s{0,4}[;,)]/g,
    accept: isRead,
    explains: (_match, { lower }) => isOrdinaryProgram(lower),
  },
  {
    kind: "php.command_call",
    needs: callsOf(COMMAND_FUNCTIONS),
    pattern: new RegExp(
      `(?:^|[^\\w.$>:]|["'\`]\\s?\\.\\s?)(?:${COMMAND_FUNCTIONS})\\s{0,8}(?:/\\*[^*]{0,40}\\*/\\s{0,4})?\\(\\s{0,8}(?:["'\`$@]|&quot;|\\\\["']|(?:base64_decode|chr|getenv|hex2bin|str_rot13|strrev|implode|current|next|end|pos|getallheaders)\\s{0,4}\\()`,
      "g",
    ),
    accept: isStatement,
    explains: isOtherLanguage,
  },
  {
    kind: "php.function_call",
    needs: callsOf(PHP_ONLY_FUNCTIONS),
    pattern: new RegExp(
      `(?:^|[^\\w.$>-])(?:${PHP_ONLY_FUNCTIONS})\\s{0,8}\\(\\s{0,8}(?:["'$@]|\\\\["']|__(?:file|dir)__|\\w{1,40}\\s{0,4}\\()`,
      "g",
    ),
    accept: isStatement,
    explains: isOtherLanguage,
  },
  {
    // `system(id)`: a bare word, which old PHP reads as text, and it is the name of a command.
    kind: "php.command_call",
    needs: ["system(", "exec(", "passthru(", "popen("],
    pattern: /^[\s;'")]{0,6}@?(?:system|passthru|shell_exec|exec|popen)\(\s{0,4}([a-z0-9_/.-]{2,40})[\s)]/g,
    accept: (match) => isCommandName(match[1]!),
  },
  {
    // A function that calls another by its name, and that name.
    kind: "php.command_call",
    needs: [
      "'system'",
      '"system"',
      "'exec'",
      '"exec"',
      "'passthru'",
      '"passthru"',
      "'shell_exec'",
      '"shell_exec"',
      "'assert'",
      '"assert"',
      "'phpinfo'",
      '"phpinfo"',
    ],
    pattern:
      /\b(?:array_map|array_filter|array_walk|array_reduce|u[ak]?sort|ob_start|call_user_func(?:_array)?|register_shutdown_function|iterator_apply|set_error_handler|header_register_callback|forward_static_call)\s{0,4}\([^()]{0,80}["'](?:system|exec|passthru|shell_exec|assert|phpinfo)["']/g,
  },
  {
    // Backticks run a command: the word they begin with is one.
    kind: "php.command_call",
    needs: ["echo `", "print `", "die(`", "exit(`", "echo(`", "print(`", "=`"],
    pattern:
      /(?:\b(?:echo|print|die|exit)\s{0,2}\(?|=)`([a-z0-9_/.-]{2,40})(?![a-z0-9_/.-])[^`\n]{0,100}`\s{0,2}\)?\s{0,2};/g,
    accept: (match) => isCommandName(match[1]!),
    explains: isOtherLanguage,
  },
  {
    kind: "php.function_call",
    needs: ["fopen(", "file("],
    pattern:
      /\b(?:fopen|file)\(\s{0,4}["'](?:\/(?:etc|proc|var|root)\/|php:|data:|phar:|\.\.\/|c:\\windows)/g,
  },
  {
    // A file of another server, of the system or a stream, as a statement of its own.
    kind: "php.inclusion",
    needs: ["include", "require"],
    pattern:
      /(?:^|[;{}]\s{0,4}|<\?(?:php)?\s{0,4})@?(?:include|require)(?:_once)?\s{0,4}\(?\s{0,4}["'](?:https?:\/\/|ftp:\/\/|php:|data:|phar:|\/(?:etc|proc|tmp|var)\/)/g,
  },
  {
    kind: "php.reflection",
    needs: [
      "new spl",
      "new reflection",
      "new directoryiterator",
      "new filesystemiterator",
      "new globiterator",
    ],
    pattern:
      /\bnew\s{1,4}\\?(?:splfileobject|reflectionfunction|directoryiterator|filesystemiterator|globiterator)\s{0,4}\(\s{0,4}["'$]/g,
    accept: (_match, { lower }) => lower.length < 300,
  },
  {
    kind: "php.information_call",
    needs: [
      "phpinfo",
      "phpversion",
      "php_uname",
      "get_defined_vars",
      "phpcredits",
      "getcwd",
      "get_current_user",
      "sys_get_temp",
    ],
    pattern:
      /(?:^|[[;{}(@='"`!,\n]|(?<![a-z_)\]])\.|<\?php\s|<\?=\s?|\|\|?\s?|&&?\s?)\s{0,8}(?:phpinfo|phpversion|php_uname|get_defined_vars|phpcredits|getcwd|get_current_user|sys_get_temp_dir)\s{0,8}\(\s{0,4}(?:-?\d{0,3}|["'][a-z]?["'])\s{0,4}\)\s{0,4}(?:[;}).,\]"'`]|$|\?>|\/\/|#)/g,
    explains: isOtherLanguage,
  },
  {
    // Printing the hash of a number is how scanners see that their code ran.
    kind: "php.probe",
    needs: [
      "md5",
      "sha1",
      "crc32",
      "base64_encode",
      "strrev",
      "chr(",
      "chr (",
      "phpversion",
      "php_uname",
      "pi(",
      "${",
    ],
    pattern:
      /\b(?:print|echo|die|exit|print_r|var_dump)\s{0,12}(?:\(\s{0,8})?(?:["']\s{0,4})?\.?(?:md5|sha1|crc32|base64_encode|strrev|chr|phpversion|php_uname|pi)\s{0,4}\(\s{0,4}["']?[\w$-]{0,40}["']?\s{0,4}\)\s{0,4}\)?|\$\{@?\s{0,4}(?:print|system|exec|eval|passthru|phpinfo|sleep|shell_exec|die|md5|assert|file_put_contents|var_dump)\s{0,4}\(/g,
  },
  {
    kind: "php.variable_function",
    needs: ["$"],
    pattern:
      /\$\s{0,4}(?:\$\s{0,2}){0,3}(?:[a-z_][\w]{0,40}|\{[\w.'"\s$@]{1,48}\})\s{0,4}(?:\/\*[^*]{0,40}\*\/\s{0,4}){0,2}(?:(?:\[[^[\]()]{1,40}(?:\[[^[\]()]{1,20}\][^[\]()]{0,4})?\]|\{[^{}()]{1,40}\})\s{0,4}(?:\/\*[^*]{0,40}\*\/\s{0,4}){0,2}){0,4}\([^()]{0,80}(?:\([^()]{0,40}\)[^()]{0,20})?\)/g,
    accept: isVariableCall,
  },
  {
    // `$f='sys'.'tem';$f('id')`: a text becomes a function.
    kind: "php.text_function",
    needs: [";$", "; $", ";@$", "; @$"],
    pattern: /\$(\w{1,20})\s{0,4}=\s{0,4}["'][^"'\n;]{1,40}["'][^;\n]{0,60}; ?@?\$\1\s{0,4}\(/g,
  },
  {
    kind: "php.variable_variable",
    needs: ["${", "$ ", "$\t"],
    pattern:
      /\$\s{0,20}\{\s{0,20}(?:@?\$[a-z_]\w{0,40}|["'][\w'". ]{1,60}["'])\s{0,20}\}|\$\s{1,20}\{\s{0,20}[a-z_]\w{0,40}\s{0,20}\}/g,
    explains: isOtherLanguage,
  },
  {
    kind: "php.serialized_object",
    needs: [":{", ": {"],
    pattern: /(?:^|[\s;{"'=:,(|&])[oc]:\+?\d{1,5}:\\?["'][\w\\ /-]{1,200}\\?["']:\+?\d{1,6}:\s?\{/g,
  },
  {
    kind: "php.configuration",
    needs: [
      "allow_url_",
      "auto_prepend_file",
      "auto_append_file",
      "disable_functions",
      "open_basedir",
      "safe_mode",
      "suhosin",
      "cgi.force_redirect",
      "session.auto_start",
      "user_ini.filename",
      "assert.callback",
      "enable_dl",
      "extension_dir",
      "unserialize_callback_func",
    ],
    pattern:
      /\b(?:allow_url_(?:include|fopen)|auto_(?:prepend|append)_file|disable_functions|open_basedir|safe_mode|suhosin\.simulation|cgi\.force_redirect|session\.auto_start|user_ini\.filename|assert\.callback|enable_dl|extension_dir|unserialize_callback_func)\s{0,8}=\s{0,8}["']?(?:on|off|0|1|true|false|none|php:|data:|http|ftp|\/|\.|["'\s]|$)/g,
  },
  {
    kind: "php.pattern_modifier",
    needs: ["preg_replace", "ereg_replace", "preg_filter"],
    pattern:
      /\b(?:preg_replace|mb_ereg_replace|preg_filter)\s{0,8}\(\s{0,8}["'][/#~|!@][^"'\n]{0,80}[/#~|!@][imsxu]{0,5}e[imsxu]{0,5}["']/g,
  },
  {
    kind: "php.obfuscated",
    needs: [
      "chr(",
      "chr (",
      "\\x",
      ")(",
      ") (",
      "'.'",
      '"."',
      "' . '",
      '" . "',
      "(~",
      "( ~",
      "system)",
      "exec)",
      "assert)",
      "passthru)",
      "popen)",
      "eval)",
      "system'",
      "exec'",
      "assert'",
      "passthru'",
      "phpinfo'",
      "eval'",
      'system"',
      'exec"',
      'assert"',
      'passthru"',
      'phpinfo"',
      'eval"',
    ],
    pattern:
      /\bchr\s{0,4}\(\s{0,4}\d{1,3}\s{0,4}\)\s{0,4}\.\s{0,4}chr\s{0,4}\(|["'](?:\\x[0-9a-f]{2}){4,40}["']\s{0,4}\(|\(\s{0,4}["'][\w]{1,12}["']\s{0,4}\.\s{0,4}["'][\w]{1,12}["']\s{0,4}(?:\.\s{0,4}["'][\w]{1,12}["']\s{0,4}){0,4}\)\s{0,4}\(|\b(?:strrev|implode|base64_decode|str_rot13|hex2bin|ucfirst|strtolower|urldecode)\s{0,2}\([^()]{1,60}\)\s{0,2}\(|\(\s{0,2}["']?(?:system|exec|assert|passthru|shell_exec|popen|eval)["']?\s{0,2}\)\s{0,2}\(|\(\s{0,2}~\s{0,2}["']?[\x80-\xff]{3,40}["']?\s{0,2}\)\s{0,2}\(|["'](?:system|exec|assert|passthru|shell_exec|phpinfo|eval)["']\s{0,4}\)?\s{0,4}\(/g,
  },
];

const KINDS = {
  "php.open_tag": "a PHP open tag followed by code",
  "php.template_tag": "a {php} or [php] tag of a template engine or forum that evaluates PHP",
  "php.superglobal": "a request variable of PHP ($_GET[…], $GLOBALS[…])",
  "php.command_call": "a call of a function that runs commands or code, with an argument",
  "php.function_call": "a call of a PHP function that decodes, reads, writes or reveals, with an argument",
  "php.inclusion": "a file of another server or a stream is included",
  "php.reflection": "an object that reads a file or calls a function by its name",
  "php.information_call": "phpinfo() and its kind as a statement",
  "php.probe": "a statement that prints a computed value, to see whether it runs",
  "php.variable_function": "a call through a variable, as code hides function names",
  "php.text_function": "a text is assembled and then called as a function",
  "php.variable_variable": "a variable named by an expression",
  "php.serialized_object": "a serialised PHP object with a class name",
  "php.configuration": "a PHP directive that opens inclusion or switches protection off",
  "php.pattern_modifier": "a regular expression with the modifier that evaluates the replacement",
  "php.obfuscated": "a function name assembled from characters or pieces",
} as const;

/** Spellings of a call, for each name of an alternation. */
function callsOf(alternation: string): string[] {
  return alternation.split("|").flatMap((name) => [`${name}(`, `${name} (`, `${name}/*`]);
}

export const php: readonly Detector[] = detectorsOf(KINDS, PATTERNS);

/** `<?php` alone, or in a sentence, is somebody naming the tag. */
function isCode(lower: string, end: number, tag: string): boolean {
  if (tag.startsWith("<?=")) return end < lower.length && lower.charCodeAt(end) !== 0x3e;
  if (!/^<\?\s{0,8}php$/.test(tag)) return true;
  const rest = lower.slice(end, end + 200);
  return /[;(${@]|["'`]|\?>|\becho\b|\/\*/.test(rest);
}

/** The last part of a path is the name of a command. */
function isCommandName(path: string): boolean {
  return commandClass(path.slice(path.lastIndexOf("/") + 1)) !== undefined;
}

/** Reading a form's value, not a sentence about it. */
function isRead(match: RegExpExecArray, { lower }: Subject): boolean {
  if (isNamed(match, lower)) return false;
  const from = match.index + match[0].length;
  const close = match[0].endsWith("[") ? lower.slice(from, from + 41).indexOf("]") : -1;
  const end = close < 0 ? from : from + close + 1;
  return !isBetweenWords(lower, match.index, end - (match[0].endsWith("[") ? 0 : 1));
}

const SUPERGLOBAL = /\$_(?:get|post|request|cookie|server|files|env|session)\b/;

/** A statement amid a program of several lines that shows no sign of PHP: Perl, Ruby and C call `system` too. */
function isOtherLanguage({ index }: RegExpExecArray, { lower }: Subject): boolean {
  return index > 8 && isManyLines(lower) && !lower.includes("<?") && !SUPERGLOBAL.test(lower);
}

/** `$_GET vs $_POST`: a name at the end of a few words. */
function isNamed(match: RegExpExecArray, lower: string): boolean {
  if (/[[{;,)]$/.test(match[0])) return false;
  return /[a-z]{2} $/.test(lower.slice(Math.max(0, match.index - 3), match.index));
}

/** Runs commands, evaluates text, unpacks code or calls what a variable names. */
const SINK =
  /\b(?:eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function|call_user_func(?:_array)?|base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|convert_uudecode|phpinfo|php_uname|dl|putenv|chr)\s{0,8}[(/]|(?:[=(;.,]|echo|print|return)\s{0,4}`(?!`)|(?<!->)\$[a-z_]\w{0,40}\s{0,4}(?:\[[^\]\n]{1,40}\]\s{0,4})?\(|\$[{$]|\binclude(?:_once)?\b|\brequire(?:_once)?\s{0,4}\(?\s{0,4}["'$](?!_)(?:\$|https?:|php:|data:|\/etc|\/proc|\/tmp)/;
/** What request data must not reach. */
const REQUEST_SINK =
  /\b(?:file_\w{1,20}|fopen|fwrite|fputs|readfile|unserialize|curl_\w{1,12}|move_uploaded_file|copy|rename|unlink|symlink|extract|parse_str|preg_replace|array_\w{1,12}|header|mail|include|require|mysqli?_query|query|goto)\b/;

/**
 * Source of a program, as people paste and upload it: several lines that neither run commands, evaluate text nor hand a
 * request's data to what reads files, addresses or queries.
 */
function isOrdinaryProgram(lower: string): boolean {
  if (!isManyLines(lower) || SINK.test(lower)) return false;
  return !/\$_[gprc]/.test(lower) || !REQUEST_SINK.test(lower);
}

const POWERFUL =
  /\b(?:eval|system|exec|passthru|shell_exec|assert|popen|proc_open|include|require|include_once|require_once|base64_decode|file_\w{1,20}|fopen|readfile|unserialize|curl_\w{1,12}|create_function|call_user_func\w{0,8}|phpinfo|move_uploaded_file|chr|hex2bin|str_rot13|gzinflate|extract|parse_str|goto|mail|header|unlink|rename|copy|symlink|md5|die|exit)\b|\$_|\$\w{1,20}\s{0,4}[([{]|\$\{|\$\$|`/;

/** One short tag with nothing powerful in it, and a sentence behind it. */
function isExplained(lower: string, start: number): boolean {
  const close = start + lower.slice(start, start + 202).indexOf("?>");
  if (close < start || lower.includes("<?", close)) return false;
  if (!/^["'`)]{0,2}[,.]? (?:[a-z']{1,15},? ){3}/.test(lower.slice(close + 2, close + 64))) return false;
  return !POWERFUL.test(lower.slice(start + 2, close));
}

/**
 * A call is an attack as the whole value, behind a break-out, or closed as a statement. In a text, `system('ls')`
 * between words is someone's explanation.
 */
function isStatement(match: RegExpExecArray, { lower }: Subject): boolean {
  const start = match.index;
  const before = lower.slice(Math.max(0, start - 3), start + 1).trim();
  const first = match[0][0]!;
  const lead = /[a-z_]/.test(first) ? before : `${before}${first}`.trim();
  if (start <= 2 || lead === "" || /[;{}@=|&!`<>?'")(:,.+-]$/.test(lead)) return true;
  const from = start + match[0].length;
  const close = from + lower.slice(from, start + 300).indexOf(")");
  return close >= from && /^\)?\s{0,4};/.test(lower.slice(close + 1, close + 8));
}

/**
 * `$f(x)$` is mathematics, `$http('/a')` is AngularJS, `$(…)` is jQuery: what remains is a call as the whole value, or
 * one through an index, braces, `$$`, a comment or a name that is no word.
 */
function isVariableCall(match: RegExpExecArray, { lower }: Subject): boolean {
  const call = match[0];
  const end = match.index + call.length;
  const head = call.slice(0, call.indexOf("("));
  const indexed = /[[{]/.test(head) && !/^\$\{[a-z_]\w*\}\s{0,4}$/.test(head);
  const odd = head.startsWith("$$") || head.includes("/*") || /^\$_+[\s\d]*$/.test(head);
  const wholeStart =
    /^[\s@;"'(]*$/.test(lower.slice(Math.max(0, match.index - 8), match.index)) && match.index <= 8;
  const wholeEnd = /^[\s;)}"'?>]*$/.test(lower.slice(end, end + 8)) && lower.length - end <= 8;
  if (/^\$t\s{0,4}$/.test(head)) return false; // translations in Vue
  if (odd) return wholeStart || wholeEnd || lower.charCodeAt(end) === 0x3b;
  if (indexed) return (wholeStart || lower.charCodeAt(end) === 0x3b) && !lower.slice(end).includes("$");
  return wholeStart && wholeEnd && /\$\w*[_\d]\w*\s{0,4}$|^\$[a-z]\s{0,4}$/.test(head);
}
