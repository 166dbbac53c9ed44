/**
 * What one expression between template delimiters does. Expressions are short (2,048 characters). The patterns that
 * may stand anywhere in one are searched once through the whole text, however many expressions it has.
 */

/** `7*7`, `7*'7'`, ` 3 * 3 `, `1337*1338`, `7*7*7`; also with `+`, `-`, `/`, `%`. */
const ARITHMETIC =
  /^[\s=-]{0,4}\(?\s{0,4}['"]?\d{1,12}['"]?(?:\s{0,4}(?:\*{1,2}|[-+/%])\s{0,4}['"]?\d{1,12}['"]?){1,4}\s{0,4}\)?[\s;-]{0,4}$/;

/** Attributes that lead from any object to its class, the class's relatives and the interpreter. */
export const INTROSPECTION = anyOf("ig", [
  // Python: also in parts (`"_"*2`), escaped, or through Jinja's attr filter.
  `__(?:class|mro|bases?|subclasses|globals|builtins|init|import|getitem|dict|getattribute|code|module|reduce|new)__`,
  String.raw`['"]__['"]|['"]_['"]\s{0,2}\*`,
  String.raw`\\x5f\\x5f`,
  String.raw`\|\s{0,4}attr\s{0,4}\(`,
  String.raw`\.(?:mro|subclasses)\(`,
  String.raw`\.class\.(?:mro|base|forname|getclass|protectiondomain|classloader|getresource)`,
  String.raw`\._[a-z]{1,30}__[a-z]`, // name-mangled private attributes
  // JavaScript
  String.raw`\.__(?:proto|definegetter|lookupgetter)__`,
  // Java
  String.raw`\.getclass\s{0,2}\(`,
  String.raw`\.forname\s{0,2}\(`,
  String.raw`\bgetclassloader\b`,
]);

/** Calls and names that run commands or code, read files, or make objects by a class's name. */
export const EXECUTION = anyOf("ig", [
  // Java: Spring EL, OGNL, Freemarker, Velocity
  String.raw`\bt\s{0,2}\(\s{0,2}(?:java|org|javax|com|jdk|sun)\.`,
  String.raw`\bjava\.(?:lang|util|io|net|nio)\.`,
  String.raw`\bjavax\.(?:script|naming)`,
  String.raw`@(?:java|org|javax|com)\.[\w.]{2,80}@`,
  String.raw`\bruntime\s{0,2}\)?\s{0,2}\.\s{0,2}getruntime`,
  String.raw`\bprocessbuilder\b`,
  String.raw`\bscriptengine`,
  String.raw`\bfreemarker\.template`,
  String.raw`\?\s{0,2}(?:new|api|eval|interpret)\s{0,2}\(`,
  String.raw`\bnew\s{1,4}(?:java|javax|sun|org|freemarker)\.`,
  String.raw`#(?:rt|cmd|_memberaccess|context|request|response|application|process)\s{0,2}[=.[]`,
  String.raw`\(#\w{1,20}\s{0,2}=`,
  // Python
  String.raw`\.(?:os|subprocess|linecache|sys|builtins)\.`,
  String.raw`\.(?:os|popen|check_output|system|exec)\s{0,2}[.(]`,
  String.raw`\b(?:__import__|import_module)\s{0,2}\(`,
  String.raw`\bimport\s{1,4}(?:os|sys|subprocess|socket|pty)\b`,
  // PHP: Twig, Smarty, Latte, Blade
  String.raw`\b(?:system|passthru|shell_exec|popen|proc_open|phpinfo|file_get_contents|readfile|show_source|scandir|file_excerpt)\s{0,2}\(`,
  String.raw`\b(?:map|filter|sort|reduce|find|some|every)\s{0,2}\(\s{0,2}['"](?:system|passthru|exec|shell_exec|popen|call_user_func|assert|phpinfo|file_get_contents|print_r|var_dump|readfile|unserialize|create_function)['"]`,
  String.raw`['"](?:system|passthru|shell_exec|phpinfo)['"]\s{0,2}\}`,
  String.raw`\bregisterundefined(?:filter|function)callback\b`,
  // Ruby: ERB, Slim, Haml
  String.raw`\bfile\.(?:open|read|new|write|readlines)\b`,
  String.raw`\bio\.(?:popen|read|binread|sysopen|readlines)\b`,
  String.raw`\bdir\.(?:entries|glob|foreach|children)\b`,
  String.raw`\bkernel(?:\.|::)(?:system|exec|open|spawn)`,
  String.raw`\b(?:instance_eval|class_eval)\b`,
  // JavaScript: Pug, EJS, Handlebars, Nunjucks, AngularJS
  String.raw`\bprocess\.(?:mainmodule|binding|exit|kill)`,
  String.raw`\b(?:global|root)\.process\b`,
  String.raw`\brequire\s{0,2}\(\s{0,2}['"](?:child_process|fs|os|net|vm|node:)`,
  String.raw`\b(?:execsync|spawnsync)\b`,
  String.raw`\bconstructor\s{0,2}(?:[([]|\.\s{0,2}(?:constructor|prototype|__))`,
  `['"]constructor['"]`,
  String.raw`\brequire\s{1,4}['"](?:open3|socket|pty|net/|fileutils)`,
  String.raw`\blookup\s{1,4}string\.sub\b`,
  // .NET: Razor
  String.raw`\bsystem\.(?:diagnostics|io|reflection)\.`,
  String.raw`\bassembly\.load`,
  // anywhere
  String.raw`\b(?:eval|exec|system|execute|spawn)\s{0,2}\(\s{0,2}['"\x60%(\w]`,
  String.raw`/etc/(?:passwd|shadow|hosts)\b`,
]);

/** Expressions that are an engine's or framework's own object, or ask it for its contents; the whole expression. */
const OBJECTS = anyOf("i", [
  String.raw`^(?:_?self|request|config|_context|debug|\.vars|\.globals|\.main|\.data_model)$`,
  String.raw`^app\.(?:request|environment|user|session)\b\.\w`,
  String.raw`^_?self\.(?:_|env|template|context|module|attr|init|class)`,
  String.raw`^config\.(?:items|iteritems|keys|values|from_\w{1,20}|__\w{1,20})\s{0,2}\(`,
  String.raw`^(?:config|settings|app\.config)[.[]['"]?secret`,
  String.raw`^request\.(?:application|environ)\b`,
  String.raw`^(?:lipsum|cycler|joiner|namespace|url_for|get_flashed_messages)\s{0,2}[.[|]`,
  String.raw`^lipsum\s{0,2}\(`,
  String.raw`^messages\.storages\b`,
  String.raw`^(?:pagecontext|applicationscope|sessionscope|requestscope|facescontext)\b`,
  String.raw`^(?:g|session)\.(?:pop|get)\b.{0,40}__`,
  String.raw`^dump\s{0,2}\(`,
  String.raw`^(?:_context|app|request|config|self)\s{0,4}\|\s{0,4}\w`,
  String.raw`^(?:for|set)\s.{0,80}\b(?:in|=)\s{1,4}(?:config|self|request|\(\)|\[\]|''|"")(?:\W|$)`,
  String.raw`^(?:include|import|extends|source)\s{0,2}\(?\s{0,2}['"](?:/|\.\./|https?:|file:|\\\\)`,
  String.raw`^template_from_string\s{0,2}\(`,
  String.raw`^constant\s{0,2}\(\s{0,2}['"]`,
]);

/** A literal with a method, a filter or a sign at once: `'a'.toUpperCase()`, `"7"*7`, `['id']|map('…')`. */
const LITERAL =
  /^[\s=-]{0,4}(?:'[^'\n]{0,40}'|"[^"\n]{0,40}"|\[\]|\(\)|\[['"][^\]\n]{0,60}['"]\])\s{0,4}(?:\.\s{0,2}[a-zA-Z_]{2,40}\s{0,2}[([.]|\*\s{0,4}\d|\[\s{0,2}['"]|\|\s{0,4}(?:map|filter|sort|reduce)\s{0,2}\()/;

const SMARTY_OBJECT =
  /^smarty\.(?:version|template|template_object|current_dir|ldelim|server|env|cookies)\b/i;

/** `{$x|system}`: any function of PHP is a modifier. */
const SMARTY_MODIFIER =
  /^[\w.]{1,40}\|@?(?:system|passthru|exec|shell_exec|eval|assert|popen|proc_open|phpinfo|call_user_func|readfile|file_get_contents)\b/i;

/** One expression, and what was found of the text it stands in. */
export interface Expression {
  /** What stands between the delimiters; its first 256 characters when it is not closed. */
  readonly text: string;
  readonly open: string;
  readonly closed: boolean;
  /** How much of the value the whole construct takes, 0 to 1: a sum in a manual's sentence is no probe. */
  readonly share: number;
  /** Whether `INTROSPECTION` and `EXECUTION` have a match in it. */
  readonly reaches: boolean;
  readonly executes: boolean;
}

/** The kind of an expression, or undefined when it is a plain placeholder. */
export function judgeExpression(expression: Expression): string | undefined {
  const { text, open, closed, share, reaches, executes } = expression;
  switch (open) {
    case "{$":
      return SMARTY_OBJECT.test(text) || SMARTY_MODIFIER.test(text) ? "template.smarty" : undefined;
    case "{php":
      return closed && text.startsWith("}") ? "template.smarty" : undefined;
    case "[[":
    case "[(":
    case "@(":
      return judgeLoose(expression);
    case "[#":
    case "<#":
      return executes && /\?\s{0,2}(?:new|api|eval|interpret)\b|freemarker\./i.test(text)
        ? "template.call"
        : undefined;
    default:
  }
  // A product is a probe wherever it stands; a sum where it is most of the value.
  if (closed && (share > 0.5 || text.includes("*")) && ARITHMETIC.test(text)) return "template.arithmetic";
  if (reaches) return "template.introspection";
  if (executes && (open !== "@{" || /system\.(?:diagnostics|io|reflection)\./i.test(text)))
    return "template.call";
  if (!closed && open !== "<%" && open !== "#{") return undefined;
  const core = coreOf(text);
  if ((open === "<%" || open === "#{") && /^`[^`]{1,200}`|^%x\W|^(?:system|exec)\s{1,4}['"]/i.test(core))
    return "template.call";
  if (open === "<%" && /^page\s{1,4}import|^(?:response\.write|server\.createobject)/i.test(core))
    return "template.call";
  if (!closed || open === "@{" || open === "~{") return undefined;
  if ((share > 0.6 || !/^[\w.]{1,40}$/.test(core)) && OBJECTS.test(core)) return "template.object";
  // `0b${'1'.repeat(n)}` is ordinary in a template literal of JavaScript.
  return (open !== "${" || share > 0.6) && LITERAL.test(text) ? "template.literal" : undefined;
}

/** The expression without the signs and white space of its delimiters: at most 8 of each. */
function coreOf(text: string): string {
  let start = 0;
  while (start < 8 && start < text.length && EDGE.has(text.charCodeAt(start))) start += 1;
  let end = text.length;
  while (end > start && text.length - end < 8 && EDGE_END.has(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** White space, `=`, `-`, `#`, `@`. */
const EDGE = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x3d, 0x2d, 0x23, 0x40]);
/** White space, `;`, `-`. */
const EDGE_END = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x3b, 0x2d]);

/** `[[…]]`, `[(…)]` and `@(…)` are also nested arrays, intervals and mentions: only the certain constructs count. */
function judgeLoose({ text, open, share, reaches, executes }: Expression): string | undefined {
  if (share > 0.3 && ARITHMETIC.test(text)) {
    if (open === "@(" ? /[*%+/-]/.test(text) : text.includes("*")) return "template.arithmetic";
  }
  if (open === "@(")
    return /system\.(?:diagnostics|io|reflection)\.|gettype\(/i.test(text) ? "template.call" : undefined;
  return (reaches || executes) && /^\s{0,4}[$*#@~]\{/.test(text) ? "template.call" : undefined;
}

function anyOf(flags: string, patterns: readonly string[]): RegExp {
  return new RegExp(patterns.join("|"), flags);
}
