/**
 * Requests that try to put an answer of their own into what others get (cache poisoning). The origin writes everything it
 * is told into a page that may be stored, as careless applications do. Whatever an attacker sends first, a client that asks
 * for the page afterwards must get what it would have got alone.
 */
export interface PoisoningCase {
  readonly title: string;
  /** What the attacker sends, whole; HOST stands for the site. */
  readonly attack: string;
  /** What another client asks for then. Default: the page itself. */
  readonly victim?: string;
}

const get = (target: string, ...fields: readonly string[]): string =>
  `GET ${target} HTTP/1.1\r\n${["Host: HOST", ...fields].join("\r\n")}\r\n\r\n`;

export const poisoningCases: readonly PoisoningCase[] = [
  { title: "X-Forwarded-Host", attack: get("/page", "X-Forwarded-Host: evil.example") },
  { title: "X-Original-URL", attack: get("/page", "X-Original-URL: /evil") },
  { title: "X-Rewrite-URL", attack: get("/page", "X-Rewrite-URL: /evil") },
  { title: "X-HTTP-Method-Override", attack: get("/page", "X-HTTP-Method-Override: evil") },
  {
    title: "X-Forwarded-Scheme and -Proto",
    attack: get("/page", "X-Forwarded-Scheme: evil", "X-Forwarded-Proto: evil"),
  },
  { title: "X-Forwarded-Port", attack: get("/page", "X-Forwarded-Port: 666evil") },
  {
    title: "X-Host and Forwarded",
    attack: get("/page", "X-Host: evil.example", "Forwarded: host=evil.example"),
  },
  { title: "a port in Host", attack: get("/page").replace("HOST", "HOST:6661"), victim: get("/page") },
  { title: "a GET with a body", attack: get("/page", "Content-Length: 10").concat("q=evil&x=1") },
  {
    title: "a GET with a chunked body",
    attack: get("/page", "Transfer-Encoding: chunked").concat("4\r\nevil\r\n0\r\n\r\n"),
  },
  { title: "a parameter behind a semicolon", attack: get("/page?a=1;b=evil"), victim: get("/page?a=1") },
  { title: "a parameter twice", attack: get("/page?a=1&a=evil"), victim: get("/page?a=1") },
  {
    title: "a parameter behind an encoded ampersand",
    attack: get("/page?a=1%26b=evil"),
    victim: get("/page?a=1"),
  },
  { title: "an encoded question mark", attack: get("/page%3fevil"), victim: get("/page") },
  { title: "an encoded slash", attack: get("/page%2fevil"), victim: get("/page/evil2") },
  { title: "dot segments", attack: get("/evil/../page?x=evil"), victim: get("/page") },
  { title: "a backslash", attack: get("/page\\evil"), victim: get("/page") },
  { title: "a fragment", attack: get("/page#evil"), victim: get("/page") },
  {
    title: "a header that makes the origin refuse (CPDoS)",
    attack: get("/page", `X-Oversized: ${"evil".repeat(1000)}`),
  },
  { title: "a header with a control that makes the origin refuse", attack: get("/page", "X-Meta: evil\\n") },
  {
    title: "Connection that names an end-to-end field",
    attack: get("/page", "Connection: close, X-Needed", "X-Needed: evil"),
  },
  { title: "Vary: *", attack: get("/star", "X-Anything: evil"), victim: get("/star") },
  {
    title: "a language that the answer varies by",
    attack: get("/vary", "Accept-Language: evil"),
    victim: get("/vary", "Accept-Language: en"),
  },
  { title: "an answer that is split by its own header", attack: get("/split?x=evil"), victim: get("/split") },
  { title: "a range", attack: get("/page", "Range: bytes=0-3"), victim: get("/page") },
  { title: "a condition that makes the origin say 304", attack: get("/page", 'If-None-Match: "evil"') },
  { title: "HEAD for GET", attack: get("/page").replace("GET", "HEAD"), victim: get("/page") },
  {
    title: "a coding that the next client cannot read",
    attack: get("/coded", "Accept-Encoding: evil"),
    victim: get("/coded"),
  },
  { title: "absolute-form", attack: get("http://evil.example/page"), victim: get("/page") },
  {
    title: "Host in upper case",
    attack: get("/host").replace("HOST", "HOST.EVIL.TEST"),
    victim: get("/host"),
  },
  {
    title: "Host with a trailing dot",
    attack: get("/page").replace("HOST", "HOST."),
    victim: get("/page"),
  },
  { title: "a cookie", attack: get("/page", "Cookie: session=evil") },
  { title: "credentials", attack: get("/page", "Authorization: Basic evil") },
];

/**
 * Requests that a victim is made to send, so that what is for it alone is stored where an attacker finds it (cache
 * deception). The origin answers every path below /account with the page of whoever asks.
 */
export interface DeceptionCase {
  readonly title: string;
  readonly target: string;
  /** What the origin says beside the page. */
  readonly says: readonly string[];
  /** How the victim says who it is. */
  readonly as: string;
}

const cookie = "Cookie: session=victim";
export const deceptionCases: readonly DeceptionCase[] = [
  { title: "a style sheet that is none", target: "/account/x.css", says: [], as: cookie },
  {
    title: "the same, stored for a time",
    target: "/account/x.css",
    says: ["Cache-Control: max-age=600"],
    as: cookie,
  },
  { title: "an encoded slash", target: "/account%2fx.css", says: ["Cache-Control: max-age=600"], as: cookie },
  {
    title: "an encoded fragment",
    target: "/account%23/x.css",
    says: ["Cache-Control: max-age=600"],
    as: cookie,
  },
  { title: "a path parameter", target: "/account;x.css", says: ["Cache-Control: max-age=600"], as: cookie },
  {
    title: "an encoded line feed",
    target: "/account%0ax.css",
    says: ["Cache-Control: max-age=600"],
    as: cookie,
  },
  {
    title: "dot segments",
    target: "/static/../account/x.css",
    says: ["Cache-Control: max-age=600"],
    as: cookie,
  },
  {
    title: "encoded dot segments",
    target: "/static/%2e%2e/account/x.css",
    says: ["Cache-Control: max-age=600"],
    as: cookie,
  },
  { title: "encoded twice", target: "/account%252fx.css", says: ["Cache-Control: max-age=600"], as: cookie },
  {
    title: "Set-Cookie",
    target: "/account/a.js",
    says: ["Cache-Control: public, max-age=600", "Set-Cookie: session=victim"],
    as: "X-None: 1",
  },
  {
    title: "Authorization",
    target: "/account/b.js",
    says: ["Cache-Control: max-age=600"],
    as: "Authorization: Bearer victim",
  },
  {
    title: "private",
    target: "/account/c.js",
    says: ["Cache-Control: private, max-age=600"],
    as: "X-None: 1",
  },
  {
    title: "no-store",
    target: "/account/d.js",
    says: ["Cache-Control: no-store, max-age=600"],
    as: "X-None: 1",
  },
  {
    title: "another type than the name says",
    target: "/account/e.png",
    says: ["Content-Type: text/html"],
    as: cookie,
  },
  {
    title: "an API key of the client",
    target: "/account/f.js",
    says: ["Vary: Authorization", "Cache-Control: max-age=600"],
    as: "X-None: 1",
  },
];
