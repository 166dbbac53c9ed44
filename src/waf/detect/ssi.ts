import type { Detection, Detector, Subject } from "../detection.ts";
import { reportOnce } from "./once.ts";

/** Directives of Apache mod_include, nginx ngx_http_ssi_module, IIS and lighttpd that do something. */
const DIRECTIVES =
  /^(?:exec|include|echo|config|fsize|flastmod|printenv|set|if|elif|else|endif|block|endblock|odbc|call|comment)/;

/** What edge caches execute in markup (ESI 1.0, Akamai's extensions). */
const EDGE_TAGS =
  /^(?:include|inline|vars|assign|eval|function|choose|when|try|attempt|remove|debug|text|foreach|break|comment)[\s/>]/;

/** Server-side and edge-side includes: markup that the server runs when it sends the page. */
export const ssi: Detector = {
  name: "ssi",
  kinds: {
    "ssi.directive": "a server-side include directive: <!--#exec cmd=…",
    "ssi.edge": "an edge-side include tag: <esi:include src=…",
  },
  triggers: ["<!", "<esi:"],
  detect,
};

function detect(subject: Subject, found: Detection[]): void {
  const from = found.length;
  const { lower } = subject;
  for (let at = lower.indexOf("<"); at >= 0; at = lower.indexOf("<", at + 1)) {
    const code = lower.charCodeAt(at + 1);
    if (code === 0x65) {
      if (lower.startsWith("esi:", at + 1) && EDGE_TAGS.test(lower.slice(at + 5, at + 20)))
        reportOnce(found, from, "ssi.edge", at, at + 12);
    } else if (
      code === 0x21 &&
      lower.charCodeAt(at + 2) === 0x2d &&
      isDirective(lower.slice(at + 1, at + 80))
    ) {
      reportOnce(found, from, "ssi.directive", at, Math.min(lower.length, at + 24));
    }
  }
}

/** `!--#` and a directive that has an attribute, or ends; white space after `#` and a lost dash are tolerated. */
function isDirective(text: string): boolean {
  const lead = /^!-{1,2}\s{0,4}#\s{0,4}/.exec(text);
  if (lead === null) return false;
  const rest = text.slice(lead[0].length);
  const name = DIRECTIVES.exec(rest);
  if (name === null) return false;
  const after = rest.slice(name[0].length);
  return /^\s{1,8}(?:"[^"]*"\s{0,4})?[a-z_]{2,12}\s{0,4}=/.test(after) || /^\s{0,8}-{1,2}>/.test(after);
}
