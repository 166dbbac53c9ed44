import type { Detection, Detector, Subject } from "../detection.ts";
import { BACKSLASH, SLASH } from "../harmless.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";
import { addressOf } from "./url-address.ts";

/** Addresses that a server should not be asked to fetch: metadata services, itself, other protocols, disguised hosts. */

const HOST_END = "(?=[:/?#\\\\\\s\"'<>)\\]},;&]|$)";

/** Domains of services that tell a tester who resolved or fetched a name. */
const CALLBACK =
  "burpcollaborator\\.net|oastify\\.com|oast\\.(?:pro|live|site|online|fun|me)|interact\\.sh|interactsh\\.com|dnslog\\.(?:cn|link|pw)|ceye\\.io|bxss\\.me|xss\\.ht|xss\\.report|requestrepo\\.com|dns\\.army|eyes\\.sh|r87\\.(?:me|com)|pingb\\.in|request(?:bin\\.net|catcher\\.com|inspector\\.com)|bypass\\.eu\\.org";

/** Names whose address is written into them or is always this machine. */
const REBINDING =
  "nip\\.io|sslip\\.io|xip\\.io|localtest\\.me|lvh\\.me|vcap\\.me|lacolhost\\.com|1u\\.ms|rbndr\\.us|local\\.gd|yoogle\\.com";

/** Numbers of this machine. Without a port or path nothing but a fetch has them behind a scheme; applications in a shell have `https://localhost`. */
const LOOPBACK =
  "127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}|0\\.0\\.0\\.0|\\[::1?\\]|\\[::ffff:(?:127\\.0\\.0\\.1|7f00:1|0:0)\\]";

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "url.metadata_service",
    needs: [
      "169.254.",
      "100.100.100.200",
      "192.0.0.192",
      "168.63.129.16",
      "fd00:ec2",
      "instance-data",
      "metadata",
      "meta-data",
      "user-data",
      "instance-identity",
      "/latest/",
    ],
    pattern:
      /(?:\/\/|^|@|\bhttps?:[/\\]?)\[?(?:169\.254\.169\.254|169\.254\.170\.2|100\.100\.100\.200|192\.0\.0\.192|168\.63\.129\.16|fd00:ec2::254|instance-data|metadata\.google\.internal|metadata\.(?:nicv?|tencentyun\.com|packet\.net|platformequinix\.com)|metadata\.oraclecloud\.com|metadata\.azure\.(?:internal|com)|rancher-metadata|alibaba\.zaproxy\.org)\]?\.?(?::\d{1,5})?(?:[/?#\\]|$)|\/latest\/(?:meta-data|user-data|dynamic\/instance-identity|api\/token)\b|\/computemetadata\/v1|\/metadata\/instance\?api-version/g,
  },
  {
    kind: "url.internal_service",
    needs: ["kubernetes", ".internal", "cluster.local", "service.consul", "[fe80:", "unix:"],
    pattern:
      /(?:\/\/|^|@)(?:kubernetes(?:\.default(?:\.svc(?:\.cluster\.local)?)?)?|(?:host|gateway|kubernetes)\.docker\.internal|host\.containers\.internal|[\w-]{1,40}\.svc\.cluster\.local|[\w-]{1,40}\.service\.consul|\[fe80:[\w:%.]{1,40}\])(?::\d{1,5})?\/|\/\/kubernetes\.default(?:\.svc)?(?::\d{1,5})?(?:[?#]|$)|^\s{0,4}http(?:s?:\/\/unix:\/|\+unix:\/\/(?:%2f|\/))[\w.-]|\/\/[\w-]{1,40}(?:\.[\w-]{1,40}){0,3}\.svc\.cluster\.local\b/g,
  },
  {
    kind: "url.loopback",
    needs: [
      "localhost",
      "loopback",
      ".io",
      "localtest",
      "lvh.me",
      "vcap.me",
      "lacolhost",
      "1u.ms",
      "rbndr",
      "local.gd",
      "yoogle",
      "127.",
      "0.0.0.0",
      "[::",
    ],
    pattern: new RegExp(
      `^\\s{0,8}(?:url:)?(?:[a-z][a-z0-9+.-]{1,10}:[/\\\\]{0,3}|\\/\\/)?(?:[^\\s/@]{0,40}@)?(?:(?:[\\w-]{1,40}\\.){0,3}localhost[46]?(?:\\.localdomain[46]?)?|ip6-(?:localhost|loopback)|ipv6-(?:localhost|loopback)|(?:[\\w-]{1,40}\\.)?(?:${REBINDING})|${LOOPBACK})\\.?(?:(:\\d{1,5})?(?:\\/|[?#]|%(?:00|09|2f|3f|23))|(:\\d{1,5})$)|^\\s{0,8}(?:url:)?[a-z][a-z0-9+.-]{1,10}:[/\\\\]{1,3}(?:${LOOPBACK})\\s{0,8}$`,
      "g",
    ),
    // With a port it is how native applications receive OAuth answers (RFC 8252 section 7.3).
    accept: (match, { lower }) => {
      // `localhost:9100`: monitoring names what it watches so. Nothing fetches an address without a scheme.
      if (match[2] !== undefined && !/:[/\\]|^\s{0,8}(?:url:|\/\/)/.test(match[0])) return false;
      const port = match[1] ?? match[2];
      // What npm publish sends of its registry: /name/-/name-1.0.0.tgz.
      if (/\/-\/[\w.-]{1,100}\.tgz$/.test(lower.slice(-120))) return false;
      // A network: `0.0.0.0/0`, `127.0.0.0/8`.
      if (lower.length < 40 && /^\s{0,8}[\d.]{7,15}\/\d{1,2}\s{0,8}$/.test(lower)) return false;
      return port === undefined || SERVICE_PORTS.test(port);
    },
  },
  {
    // http://0/ is this machine on most systems.
    kind: "url.loopback",
    needs: ["://0"],
    pattern: /^\s{0,8}[a-z][a-z0-9+.-]{1,10}:\/\/0{1,8}(?::\d{1,5})?(?:[/?#]|$)/g,
  },
  {
    // Resolvers and browsers fold ideographic dots and letters in circles to ASCII; people do not write them in a host.
    kind: "url.folded_host",
    needs: ["\xe2", "\xe3", "\xef"],
    pattern:
      /:\/\/(?:[\w.@-]{0,40}\d(?:\xe3\x80\x82|\xef\xbd\xa1|\xef\xbc\x8e)\d|[\w.@-]{0,40}\xe2(?:\x91[\xa0-\xbf]|[\x92\x93][\x80-\xbf]))/g,
  },
  {
    kind: "url.callback_service",
    needs: [
      "burpcollaborator",
      "oastify",
      "oast.",
      "interact",
      "dnslog",
      "ceye.io",
      "bxss.me",
      "xss.ht",
      "xss.report",
      "requestrepo",
      "dns.army",
      "eyes.sh",
      "r87.",
      "pingb.in",
      "requestbin",
      "requestcatcher",
      "requestinspector",
      "bypass.eu.org",
    ],
    pattern: new RegExp(`(?:\\.|\\/\\/|@|^)(?:${CALLBACK})${HOST_END}`, "g"),
    accept: (match, subject) =>
      match[0].startsWith(".") || match[0].startsWith("@") || subject.lower.length < 400,
  },
  {
    kind: "url.rebinding_name",
    needs: ["nip.io", "sslip.io", "xip.io", "1u.ms", "rbndr"],
    pattern:
      /\/\/(?:[\w-]{1,40}\.){0,3}(?:\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[.-]\d{1,3}|[0-9a-f]{8})\.(?:nip\.io|sslip\.io|xip\.io|1u\.ms|rbndr\.us)\b/g,
  },
  {
    kind: "url.internal_scheme",
    needs: [
      "gopher:",
      "dict:",
      "tftp:",
      "netdoc:",
      "ldap",
      "sftp:",
      "rmi:",
      "iiop:",
      "nntp:",
      "jar:",
      "ssrf:",
      "telnet:",
      "finger:",
      "smb:",
      "mailto%0d",
      "ogg:",
      "expect:",
    ],
    pattern:
      /(?:^|[=\s"'(,;<>|])(?:url:|jar:)?(?:gopher|dict|tftp|netdoc|ldaps?|ldapi|sftp|rmi|iiop|nntp|jar:(?:https?|file|ftp)|ssrf|telnet|finger|smb|mailto%0d|ogg|expect):\/{1,3}[\w[.%@-]{1,80}(?::\d{1,5}|\/|$)/g,
    accept: (match, subject) =>
      isOpaqueScheme(match[0]) || subject.lower.trim().indexOf(match[0].trim()) === 0,
  },
  {
    // `https://www.bank.example@evil.example/`: what reads like the host is the user name.
    kind: "url.confused_authority",
    needs: ["@", ":\\", ":/\\", "\\."],
    // Else every address of e-mail would be read as text.
    marks: SLASH | BACKSLASH,
    pattern:
      /\bhttps?:[/\\]{2,4}[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40}){1,4}(?::\d{1,5})?(?:[&#;\\\t]|%(?:00|09|0a|0d|23|2523|5c|ff)){0,2}@[a-z0-9.[-]{1,80}|\bhttps?:\/\/[a-z0-9.-]{1,80}(?:\\@|\\\.[a-z]|\s?[&#;]@)|^\s{0,4}https?:[\\/]{0,3}\\[\\/]{0,3}[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40}){1,4}(?:[/\\?#]|$)/g,
  },
  {
    // What a browser reads as //host, and a check for "begins with one slash" does not.
    kind: "url.confused_authority",
    needs: ["/\\", "\\/", "///", "\\\\", "/\t/", "/\n", "/\r", "/ /"],
    marks: SLASH | BACKSLASH,
    pattern:
      /^\s{0,4}(?:\/\\|\\\/|\/{3,8}|\\\\|\/\t\/|\/[\t\r\n ]{1,4}\/)[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40}){1,4}(?:[/\\]{0,2}(?:%2e|\.){2})?(?:[/\\?#]|$)/g,
    accept: (_match, subject) => isOnlyHost(subject.lower),
  },
  {
    kind: "url.remote_script",
    needs: [
      "txt?",
      "php?",
      "inc?",
      "dat?",
      "jpg?",
      "jpeg?",
      "gif?",
      "png?",
      "log?",
      "asp?",
      "jsp?",
      "cmd?",
      "sh?",
      "ps1?",
      "phtml?",
      "%00",
      "\0",
      "txt#",
      "php#",
    ],
    pattern:
      /^\s{0,8}(?:https?|ftps?):\/\/[^\s"'<>]{1,200}?\.(?:txt|php\d?|phtml|inc|dat|jpe?g|gif|png|log|asp|jsp|cmd|sh|ps1)(?:\?{1,8}|%00|\0|\?\0|#)[\s\0]{0,8}$/g,
  },
];

/** Ports of services that answer without a login inside many networks. */
const SERVICE_PORTS =
  /^:0{0,3}(?:21|22|23|25|53|80|110|111|135|139|143|389|443|445|465|587|993|1433|1521|2049|2181|2375|2376|2379|2380|3306|3389|4194|4243|5000|5432|5601|5672|5900|5984|5985|6066|6379|6443|7001|7077|8009|8161|8443|8500|8600|9000|9042|9090|9100|9200|9300|10250|10255|11211|15672|27017|50070)$/;

const KINDS = {
  "url.metadata_service": "the address of a cloud's metadata service",
  "url.internal_service": "a name that only exists inside a cluster or a container host",
  "url.loopback": "an address of the server itself as the whole value",
  "url.disguised_address": "an address written as one number, in octal, in hex or as mapped IPv6",
  "url.folded_host": "a host in characters that are folded to ASCII before it is looked up",
  "url.callback_service": "a name under a domain that testers use to see who asks",
  "url.rebinding_name": "a public name that resolves to the address written in it",
  "url.internal_scheme": "a protocol that reaches services other than the web",
  "url.confused_authority": "an address whose host is not the one it seems to be",
  "url.remote_script": "an address of a script file that ends where an inclusion would append its own suffix",
} as const;

const disguise: Detector = {
  name: "url.disguised_address",
  kinds: { "url.disguised_address": KINDS["url.disguised_address"] },
  triggers: ["://"],
  detect: findDisguised,
};

export const url: readonly Detector[] = [...detectorsOf(KINDS, PATTERNS), disguise];

/** A host of digits, hexadecimal digits and dots (a zone behind them), behind a user name at most. */
const NUMERIC_HOST =
  /:\/\/(?:[^\s/?#"'<>@]{0,80}@)?(\[[0-9a-f:.]{2,60}(?:%[\w.%-]{0,24})?\]|[0-9a-fx.]{1,60})(?=[:/?#\s"'<>)]|$)/g;

function findDisguised({ lower }: Subject, found: Detection[]): void {
  NUMERIC_HOST.lastIndex = 0;
  for (;;) {
    const authority = NUMERIC_HOST.exec(lower);
    if (authority === null) return;
    const host = authority[1]!;
    const address = addressOf(host);
    if (address === undefined || address.plain) continue;
    const end = NUMERIC_HOST.lastIndex;
    found.push({ kind: "url.disguised_address", start: end - host.length, end });
    return;
  }
}

/** Protocols that no link in a text uses; `ldap://`, `sftp://` and their kind count only as the whole value. */
function isOpaqueScheme(match: string): boolean {
  return /(?:gopher|dict|netdoc|tftp|jar:(?:https?|file|ftp)|expect):/.test(match);
}

/** A path that begins `///name.tld` is a redirect trick only when nothing but a host and a path follows. */
function isOnlyHost(lower: string): boolean {
  return (
    lower.length < 200 &&
    !/\s\S/.test(lower.trim()) &&
    /^[\s/\\]{2,10}[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,10}(?:[/\\?#]|$)/.test(lower.slice(0, 120))
  );
}
