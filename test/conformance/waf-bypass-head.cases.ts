import type { BypassCase } from "./waf-bypass.cases.ts";
import {
  attacks,
  form,
  getRequest,
  json,
  layers,
  percent,
  postRequest,
  unicode,
} from "./waf-bypass-request.ts";

/** In a query value, a form field, a JSON string and plain text. */
function everywhere(id: string, name: string, payload: string, outcome = "patterns"): BypassCase[] {
  return [
    { id, name: `${name}, in a query`, bytes: getRequest(`/?q=${percent(payload)}`), outcome },
    { id, name: `${name}, in a form`, bytes: postRequest(form, `a=1&q=${percent(payload)}`), outcome },
    {
      id,
      name: `${name}, in JSON`,
      bytes: postRequest(json, JSON.stringify({ a: { q: payload } })),
      outcome,
    },
    { id, name: `${name}, in text`, bytes: postRequest("text/plain", payload), outcome },
  ];
}

const inQuery = (id: string, name: string, query: string, outcome = "patterns"): BypassCase => ({
  id,
  name,
  bytes: getRequest(`/?${query}`),
  outcome,
});
const inHead = (id: string, name: string, outcome: string, ...fields: string[]): BypassCase => ({
  id,
  name,
  bytes: getRequest("/", ...fields),
  outcome,
});
const path = (id: string, target: string, outcome: string): BypassCase => ({
  id,
  name: target.length > 60 ? `${target.slice(0, 57)}...` : target,
  bytes: getRequest(target),
  outcome,
});
const reason = (id: string, code: string, ...targets: string[]): BypassCase[] =>
  targets.map((target) => path(id, target, `reason/${code}`));

/** What the code of the reference lets through (its §4.10), and what stands in paths, queries and fields. */
export const headBypasses: readonly BypassCase[] = [
  // R1: an unclosed comment swallows the rest of the decoded view.
  ...attacks.flatMap(([name, payload]) =>
    everywhere("R1", `${name} after an unclosed comment`, `/* ${payload}`),
  ),
  ...attacks.flatMap(([name, payload]) =>
    everywhere("R1", `${name}, encoded, after an unclosed comment`, `/*${percent(payload)}`),
  ),
  // R2: SQL and markup that its patterns do not spell.
  ...everywhere("R2", "a tautology in double quotes", '" or "a"="a'),
  ...everywhere("R2", "a tautology of numbers", "1 or 1=1"),
  ...everywhere("R2", "a comparison that holds", "1' or 2>1-- -"),
  ...everywhere("R2", "a comparison of bare numbers", "1 or 2>1-- "),
  ...everywhere("R2", "UNION SELECT", "-1 UNION SELECT 1,2,3"),
  ...everywhere("R2", "white space before the equals sign", "<img src=x onerror =alert(1)>"),
  ...everywhere("R2", "a line end before the equals sign", "<img src=x onerror\n=alert(1)>"),
  // R6: one step up, and files other than passwd.
  ...[
    "../etc/passwd",
    "/etc/hosts",
    "/proc/self/environ",
    "C:\\Windows\\win.ini",
    "/root/.ssh/id_rsa",
  ].flatMap((file) => everywhere("R6", file, file).filter(({ name }) => !name.endsWith("text"))),
  // R7: fields that nobody listed.
  ...attacks.flatMap(([name, payload]) => [
    inHead("R7", `${name} in an unknown field`, "patterns", `X-Anything: ${payload}`),
    inHead("R7", `${name} in User-Agent`, "patterns", `User-Agent: ${payload}`),
    inHead(
      "R7",
      `${name} in the query of a Referer`,
      "patterns",
      `Referer: http://a.test/?q=${percent(payload)}`,
    ),
    inHead("R7", `${name} in X-Forwarded-Host`, "patterns", `X-Forwarded-Host: ${payload}`),
    inHead("R7", `${name} in a cookie`, "patterns", `Cookie: a=b; q=${percent(payload)}`),
    inHead("R7", `${name} in a quoted cookie`, "patterns", `Cookie: a="${payload.replaceAll('"', "")}"`),
    inHead("R7", `${name} in the second of two fields`, "patterns", "X-A: fine", `X-A: ${payload}`),
    inHead(
      "R7",
      `${name} in a second Cookie field`,
      "patterns",
      "Cookie: a=b",
      `Cookie: q=${percent(payload)}`,
    ),
    inHead(
      "R7",
      `${name} as the password of Basic credentials`,
      "patterns",
      `Authorization: Basic ${Buffer.from(`admin:${payload}`).toString("base64")}`,
    ),
  ]),
  // R8, QU4: layers of encoding.
  ...[1, 2, 3, 4, 6, 9].flatMap((count) =>
    attacks.map(([name, payload]) =>
      inQuery("R8", `${name} under ${count} layers`, `q=${layers(payload, count)}`),
    ),
  ),

  // Paths: what could be read in two ways never gets to the WAF.
  ...reason("PA2", "path_escape", "/../../etc/passwd"),
  ...reason("PA3", "path_encoded_dot", "/a/%2e%2e/b", "/a/%2E./b", "/a/.%2e/b"),
  ...reason("PA4", "path_encoded_slash", "/public%2f..%2fadmin"),
  path("PA4", "/a%2Fb", "passes"), // a route says otherwise: allow_encoded_slash
  ...reason("PA5", "backslash", "/a%5c..%5cb"),
  ...reason("PA6", "path_double", "/a/%252e%252e/b", "/a/%25%32%65"),
  ...reason("PA7", "path_control", "/a%00.png", "/admin%00", "/a%0d%0aX:1", "/a%0aSet-Cookie:"),
  ...reason("PA15", "path_space_tail", "/admin%09", "/admin%20"),
  ...reason("PA9", "path_percent", "/a%zz", "/a%2", "/a%", "/%u002e%u002e", "/%uff0e"),
  ...reason("PA10", "path_params", "/a;/../b", "/a/..;/b", "/..;x=1/"),
  ...reason("PA11", "utf8", "/a/%c0%ae%c0%ae/", "/%e0%80%af", "/%f0%80%80%af", "/%ff%fe"),
  path("PA14", "/%ef%bc%8e%ef%bc%8e/%ef%bc%8e%ef%bc%8e/etc/passwd", "patterns"),
  ...attacks.map(([name, payload]) => ({
    id: "PA14",
    name: `${name} as a path, in full-width letters`,
    bytes: getRequest(`/${percentUtf8(fullWidth(payload.replaceAll("/", "")))}`),
    outcome: "patterns",
  })),
  ...attacks
    .filter(([, payload]) => !payload.includes("/"))
    .map(([, payload]) => path("PA17", `/.well-known/acme-challenge/${percent(payload)}`, "patterns")),

  // Queries.
  ...attacks.map(([name, payload]) =>
    inQuery("QU1", `${name} as a later value of a name`, `q=1&q=${percent(payload)}`),
  ),
  ...attacks.map(([name, payload]) =>
    inQuery("QU1", `${name} after a semicolon`, `a=1;q=${percent(payload)}`),
  ),
  ...attacks.map(([name, payload]) =>
    inQuery("QU1", `${name} in an array's name`, `a[${percent(payload)}]=1`),
  ),
  inQuery("QU1", "one parameter twice", "a=1&a=2&b[]=3&b[x]=4", "passes"),
  inQuery("QU2", "257 parameters", "a=1&".repeat(256), "reason/query_count"),
  inQuery("QU2", "a name of 7 KB", `${"n".repeat(7000)}=1`, "passes"),
  inQuery("QU3", "a prototype by name", "__proto__[isAdmin]=1"),
  inQuery("QU3", "a prototype by path", "constructor.prototype.isAdmin=1"),
  inQuery("QU5", "plus for space, a comment, a letter encoded", "q=1'+UNION/**/SEL%45CT+password+FROM+users"),
  inQuery("QU5", "%u", "q=1'+%u0055NION+SELECT+password+FROM+users"),
  inQuery("QU5", "vertical tabs", "q=1'%0bUNION%0bSELECT%0bpassword%0bFROM%0busers"),
  inQuery("QU5", "no-break spaces", "q=1'%a0UNION%a0SELECT%a0password%a0FROM%a0users"),
  inQuery(
    "QU5",
    "no-break spaces in UTF-8",
    "q=1'%c2%a0UNION%c2%a0SELECT%c2%a0password%c2%a0FROM%c2%a0users",
  ),
  inQuery("QU5", "a comment that is run", "q=1'+/*!50000UNION*/+/*!SELECT*/+password+FROM+users"),
  inQuery("QU6", "full-width brackets", "q=%ef%bc%9cscript%ef%bc%9ealert(1)%ef%bc%9c/script%ef%bc%9e"),
  inQuery("QU6", "entities", `q=${percent("&lt;script&gt;alert(1)&lt;/script&gt;")}`),
  inQuery("QU6", "entities by number", `q=${percent("&#60;script&#x3e;alert(1)&#60/script&#62")}`),
  inQuery("QU6", "\\u escapes", `q=${percent(unicode("<script>alert(1)</script>"))}`),
  inQuery("QU6", "\\x escapes", `q=${percent("\\x3cscript\\x3ealert(1)\\x3c/script\\x3e")}`),
  inQuery("QU6", "overlong", "q=%c0%bcscript%c0%bealert(1)%c0%bc/script%c0%be"),
  inQuery("QU6", "UTF-7", `q=${percent("+ADw-script+AD4-alert(1)+ADw-/script+AD4-")}`),
  ...attacks.map(([name, payload]) =>
    inQuery("QU8", `${name} in base64`, `q=${percent(Buffer.from(payload).toString("base64"))}`),
  ),
  inQuery(
    "QU8",
    "a UUID, a token and random letters",
    `a=6f1c2a7e-0d3b-4a8e-9d0f-2b7c1e5a9f10&t=${"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"}`,
    "passes",
  ),
  ...["((((a|a|a".repeat(700), `${"aaaa".repeat(1500)}!`, "(a+)+$".repeat(1000), "'\"`".repeat(2000)].map(
    (text, n) => ({
      id: "QU9",
      name: `a string to make a regex slow, ${n}`,
      bytes: postRequest(form, `q=${percent(text)}`),
      outcome: "passes",
    }),
  ),
];

function fullWidth(text: string): string {
  return [...text]
    .map((char) => (char > " " && char < "\x7f" ? String.fromCodePoint(char.charCodeAt(0) + 0xfee0) : char))
    .join("");
}

function percentUtf8(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
