/**
 * Every code a config diagnostic can carry. Codes are stable: never reuse a number.
 * Z10xx the file and its keys, Z11xx values, Z12xx what belongs together, Z13xx files it names, Z20xx/Z21xx warnings.
 */
export interface CodeRow {
  readonly severity: "error" | "warning";
  readonly title: string;
  /** Default `effect` line. */
  readonly effect: string;
  /** Default `fix` line. */
  readonly fix: string;
  /** The page of `zion explain`: why, then a failing and a fixed example. */
  readonly why: string;
  readonly bad: string;
  readonly good: string;
}

export type DiagnosticCode = keyof typeof codes;

/** The row of a code as typed by a person (`z1042` and `1042` work too); undefined if there is none. */
export function findCode(text: string): { readonly code: DiagnosticCode; readonly row: CodeRow } | undefined {
  const code = `Z${text.trim().replace(/^z/i, "")}`;
  return Object.hasOwn(codes, code)
    ? { code: code as DiagnosticCode, row: codes[code as DiagnosticCode] }
    : undefined;
}

function error(title: string, effect: string, fix: string, why: string, bad = "", good = ""): CodeRow {
  return { severity: "error", title, effect, fix, why, bad, good };
}

function warning(title: string, effect: string, fix: string, why: string, bad = "", good = ""): CodeRow {
  return { severity: "warning", title, effect, fix, why, bad, good };
}

const notStarted = "the gateway refuses this file; a running one keeps its last good configuration.";

export const codes = {
  Z1001: error(
    "the config file cannot be read",
    "there is no configuration to run with. A named file that is missing is an error: the gateway never starts on defaults.",
    "check the path and the permissions of the file and its directories",
    "A proxy that starts on defaults because its file was missing serves nothing, or the wrong thing, and looks healthy.",
  ),
  Z1002: error(
    "the file is not UTF-8 text",
    notStarted,
    "save the file as UTF-8 (a byte order mark and CRLF line ends are fine)",
    "TOML is UTF-8. A NUL or a broken sequence usually means a binary file, UTF-16, or a file cut while it was written.",
  ),
  Z1003: error(
    "the file is larger than 1 MiB",
    notStarted,
    "check that this is the right file",
    "The limit keeps a wrong path (a log, a disk image) from stalling the control plane. 1 MiB holds about 8,000 routes.",
  ),
  Z1004: error(
    "TOML syntax error",
    "nothing below the error can be trusted, so only this one is reported.",
    "correct the line; https://toml.io describes the syntax",
    "After a syntax error the meaning of the rest of the file is a guess, and a guess could switch a protection off.",
    "listen_http = 0.0.0.0:8080",
    'listen_http = "0.0.0.0:8080"',
  ),
  Z1005: error(
    "the document is too deep or has too many keys",
    notStarted,
    "a config nests at most 16 levels and has at most 50,000 keys",
    "No real configuration is near these limits; files that are were made to exhaust the reader.",
  ),
  Z1006: error(
    "the file is empty",
    notStarted,
    "start from config/minimal.toml",
    'An empty file is what a failed template or a cut write leaves behind. It must never mean "all defaults".',
  ),
  Z1010: error(
    "schema_version is not supported",
    "the keys may mean something else in that version, so the file is not read further.",
    "use schema_version = 1, or leave it out: a missing value always means 1",
    "The version says which meaning the keys have. This program knows version 1.",
    "schema_version = 2",
    "schema_version = 1",
  ),
  Z1041: error(
    "unknown table",
    "everything in this table would be ignored. This is why unknown tables are errors.",
    "correct the name or remove the table",
    "A table that is silently ignored is a protection that is silently off.",
    '[[routes]]\npath = "/"\nupstream = "app"',
    '[[route]]\npath = "/"\nupstream = "app"',
  ),
  Z1042: error(
    "unknown key",
    "the setting would be ignored and its default used. This is why unknown keys are errors.",
    "correct the name or remove the line",
    "A misspelt key that is silently ignored is a protection that is silently off.",
    'xff_mod = "drop"',
    'xff_mode = "drop"',
  ),
  Z1043: error(
    "wrong type or out of range",
    notStarted,
    "write a value of that type and range",
    "Values are never converted or clamped: what you read in the file is what runs. Durations and sizes are plain integers; the unit is in the key's name.",
    'max_body_mb = "ten"',
    "max_body_mb = 10",
  ),
  Z1045: error(
    "not one of the allowed values",
    notStarted,
    "use one of the listed values",
    "Enumerated values are compared exactly; a near miss never falls back to a default.",
    'load_balancing = "roundrobin"',
    'load_balancing = "round_robin"',
  ),
  Z1046: error(
    "a required key is missing",
    notStarted,
    "add the key",
    "There is no default that would be right for everyone.",
    '[[route]]\npath = "/"',
    '[[route]]\npath = "/"\nupstream = "app"',
  ),
  Z1047: error(
    "not supported yet",
    "the setting would have no effect, and you would believe it had. This is why it is refused.",
    "remove it until this version supports it",
    "The key is known and reserved, but this version does not do what it says.",
    "tcp_user_timeout_secs = 30",
    "",
  ),
  Z1101: error(
    "not a listen address",
    "the listener could not be opened.",
    'write an IP address and a port: "0.0.0.0:8080", "127.0.0.1:8080" or "[::]:8080"',
    "Listeners bind to addresses, not names: what a name resolves to may change, and then who can reach the gateway changes.",
    'listen_http = "localhost:8080"',
    'listen_http = "127.0.0.1:8080"',
  ),
  Z1102: error(
    "not an address or CIDR block",
    "such blocks decide who is believed, let in or kept out, so nothing in them is guessed.",
    'write an address ("192.0.2.7") or a block with its host bits zero ("10.0.0.0/8")',
    "A block with host bits set (10.1.2.3/8) usually means a slip of the prefix length, which can trust 16 million hosts.",
    'trusted_proxies = ["10.1.2.3/8"]',
    'trusted_proxies = ["10.0.0.0/8"]',
  ),
  Z1103: error(
    "not a host name",
    "no request could ever match it.",
    'write a bare name ("shop.example.org") or a suffix ("*.example.org"), without scheme, port or path',
    "Hosts are compared in lower case without port or trailing dot. International names are written in their xn-- form.",
    'hosts = ["https://shop.example.org:8443"]',
    'hosts = ["shop.example.org"]',
  ),
  Z1104: error(
    "bad path pattern",
    "no request could ever match it, or not the ones you mean.",
    'start with "/", use {name} for one whole segment and {*rest} only as the last one, and no query',
    "Patterns are matched against the normalised path: no dot segments, no //, unreserved characters decoded, %XX in upper case.",
    'path = "/api/{*rest}/edit"',
    'path = "/api/{name}/edit"',
  ),
  Z1105: error(
    "bad upstream URL",
    "requests would go nowhere, or not where you mean.",
    'write "http://host:port", "https://host:port" or "unix:/path/to/socket"; the path of a request is forwarded as it is',
    "Credentials, paths, queries and fragments in an upstream URL would be ignored, so they are refused.",
    'url = "http://user:pass@10.0.0.5:8080/app"',
    'url = "http://10.0.0.5:8080"',
  ),
  Z1106: error(
    "bad value",
    notStarted,
    "write the value in the expected form",
    "The value has the right type but not a form the gateway can use.",
    'expected_status = ["2xx"]',
    'expected_status = ["200-299"]',
  ),
  Z1110: error(
    "bad name",
    "names become metric labels and log values, so they have a fixed form.",
    "use 1 to 64 letters, digits, `_`, `-` or `.`, starting with a letter or digit",
    "Names appear in metrics, logs and on the command line. A fixed form keeps them unambiguous everywhere.",
    '[upstream."my shop"]\nurl = "http://10.0.0.5:8080"',
    '[upstream.my_shop]\nurl = "http://10.0.0.5:8080"',
  ),
  Z1210: error(
    "reference to something that is not defined",
    "every request of the route would be answered 502.",
    "define it or correct the name",
    "A route names its upstream; the upstream must exist in the same file as [upstream.NAME] or in [upstreams].",
    '[upstream.shop_v2]\nurl = "http://10.0.0.5:8080"\n\n[[route]]\npath = "/"\nupstream = "shop-v2"',
    '[[route]]\npath = "/"\nupstream = "shop_v2"',
  ),
  Z1211: error(
    "the same name twice",
    "logs and metrics could not tell them apart.",
    "rename one of them",
    "Names identify routes, upstreams and certificates in logs, metrics and across reloads.",
  ),
  Z1212: error(
    "routes conflict",
    "which of them serves a request would depend on their order, which is not a rule here.",
    "give them different hosts, methods or patterns, or remove one",
    "Specificity decides between routes, never file order. `/a/{x}` and `/a/{y}` are the same pattern.",
    '[[route]]\npath = "/a/{x}"\nupstream = "one"\n\n[[route]]\npath = "/a/{y}"\nupstream = "two"',
    '[[route]]\npath = "/a/{x}"\nmethods = ["GET"]\nupstream = "one"\n\n[[route]]\npath = "/a/{y}"\nmethods = ["POST"]\nupstream = "two"',
  ),
  Z1213: error(
    "no route",
    "every request would be answered 404.",
    "add at least one [[route]] with `path` and `upstream`",
    "A file without routes is what a failed template leaves behind.",
  ),
  Z1214: error(
    "a setting that contradicts another",
    notStarted,
    "keep one of the two",
    "Two settings that cannot both be true would leave the outcome to chance.",
    '[upstream.app]\nurl = "http://10.0.0.5:8080"\ntls = true',
    '[upstream.app]\nurl = "https://10.0.0.5:8443"\ntls = true',
  ),
  Z1220: error(
    "two listeners share an address",
    "connections would reach one or the other at random.",
    "give each listener its own port",
    "Listeners are opened so that several processes can share a port; the system would not notice the clash and split connections between them.",
    'listen_http = "0.0.0.0:8080"\nlisten_https = "0.0.0.0:8080"',
    'listen_http = "0.0.0.0:8080"\nlisten_https = "0.0.0.0:8443"',
  ),
  Z1221: error(
    "no listener",
    "no client could connect.",
    "add `listen_http` or `listen_https` to [server]",
    "At least one listener is needed.",
    "[server]",
    '[server]\nlisten_http = "0.0.0.0:8080"',
  ),
  Z1222: error(
    "a TLS listener without a certificate",
    "no TLS handshake could succeed.",
    "add a [tls] table with `cert_path` and `key_path`",
    "`listen_https` needs a default certificate.",
    '[server]\nlisten_https = "0.0.0.0:8443"',
    '[server]\nlisten_https = "0.0.0.0:8443"\n\n[tls]\ncert_path = "tls.crt"\nkey_path = "tls.key"',
  ),
  Z1223: error(
    "the admin listener is open to other hosts",
    "whoever reaches it could read the state of the gateway, and listen to the tokens of those who may.",
    'add `cert_path`, `key_path` and `client_ca_path`, or bind it to loopback: listen = "127.0.0.1:9180"',
    "On loopback the only protection is that nobody else can reach the address. Elsewhere the listener starts with TLS 1.3 and certificates on both sides, or not at all.",
    '[admin]\nlisten = "0.0.0.0:9180"',
    '[admin]\nlisten = "127.0.0.1:9180"',
  ),
  Z1224: error(
    "a route does not say who may use it",
    "`require_route_auth` is on, so a route without a declaration is refused instead of being open by accident.",
    "add `auth_profile`, `internal_only = true` or `public = true` to the route",
    "`require_route_auth` makes every route say who may use it.",
  ),
  Z1225: error(
    "an admin socket without a state directory",
    "after a kill the socket's file would be in the way of the next start.",
    "add `state_dir` to [server], or listen on loopback",
    "A file that a killed gateway left behind is replaced only by who holds the lock of the state directory: otherwise a second gateway could take the socket of the first.",
    '[server]\nlisten_http = "0.0.0.0:8080"\n\n[admin]\nlisten = "unix:/run/zion/admin.sock"',
    '[server]\nlisten_http = "0.0.0.0:8080"\nstate_dir = "/var/lib/zion"\n\n[admin]\nlisten = "unix:/run/zion/admin.sock"',
  ),
  Z1226: error(
    "writing without a token",
    "every request to change something would be refused.",
    "add [admin.token.NAME] with the role operate or admin (`zion token NAME --role operate` prints it), or remove `write`",
    "Whoever can open a connection to the admin listener is not yet who may change the gateway: any process of the machine can. So each change takes a token.",
    "[admin]\nwrite = true",
    '[admin]\nwrite = true\n\n[admin.token.ci]\nsha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"\nrole = "operate"\nexpires = 2030-06-30',
  ),
  Z1261: error(
    "terms that nobody agreed to",
    "the CA would give no account, and so no certificate.",
    "read the terms of service of the CA, then write `terms_agreed = true`",
    "A CA issues to those who agree to its terms. The gateway does not agree in somebody's name.",
    '[server]\nlisten_http = "0.0.0.0:80"\nlisten_https = "0.0.0.0:443"\nstate_dir = "/var/lib/zion"\n\n[tls.acme]\ndomains = ["shop.example.org"]',
    '[server]\nlisten_http = "0.0.0.0:80"\nlisten_https = "0.0.0.0:443"\nstate_dir = "/var/lib/zion"\n\n[tls.acme]\ndomains = ["shop.example.org"]\nterms_agreed = true',
  ),
  Z1262: error(
    "a name that cannot be proven",
    "the CA would refuse every order with it.",
    "write each name by itself; for a wildcard, get the certificate elsewhere and use `cert_path` or [[tls.sni]]",
    "The challenges http-01 and tls-alpn-01 prove one host name. A wildcard needs DNS-01, which changes DNS records: a tool that has the rights to do so, such as cert-manager or lego, can write the files that [[tls.sni]] names.",
    '[server]\nlisten_http = "0.0.0.0:80"\nlisten_https = "0.0.0.0:443"\nstate_dir = "/var/lib/zion"\n\n[tls.acme]\ndomains = ["*.example.org"]\nterms_agreed = true',
    '[server]\nlisten_http = "0.0.0.0:80"\nlisten_https = "0.0.0.0:443"\nstate_dir = "/var/lib/zion"\n\n[tls.acme]\ndomains = ["shop.example.org"]\nterms_agreed = true',
  ),
  Z1301: error(
    "a file cannot be read",
    notStarted,
    "check the path (relative paths start at the config file's directory) and the permissions",
    "Files are read when the configuration is loaded. Only regular files up to 1 MiB are read.",
  ),
  Z1302: error(
    "not usable PEM",
    "TLS with this certificate, key or CA could not work.",
    "give a PEM file: -----BEGIN CERTIFICATE----- or -----BEGIN PRIVATE KEY-----",
    "Certificates and keys are read as PEM. DER files are converted with `openssl x509 -inform der` or `openssl pkey -inform der`.",
  ),
  Z1303: error(
    "certificate and key do not belong together",
    "no TLS handshake could succeed.",
    "use the key the certificate was issued for",
    "The public key in the certificate is not the public half of the private key. Often one of two files was renewed and the other not.",
  ),
  Z1304: error(
    "the private key is encrypted",
    "the gateway has nobody to ask for a passphrase.",
    "store it decrypted with mode 0600: openssl pkey -in key.pem -out key.plain.pem",
    "A passphrase in a file beside the key protects nothing, so encrypted keys are not supported.",
  ),
  Z1305: error(
    "a mistake in a rule file",
    "a rule set with an error is refused whole: half of it is a protection that nobody asked for.",
    "correct the file; `zion rules test FILE` checks it",
    "Rules are read with the configuration. docs/waf-rules.md describes their form; every mistake is shown with file, line and column.",
  ),
  Z1306: error(
    "the rules of the package cannot be used",
    "nothing would be inspected.",
    "install the package again",
    "The rules that are shipped stand in the package's directory `rules`. They are missing, unreadable or damaged.",
  ),
  Z1307: error(
    "keys or a secret that no token can be verified with",
    notStarted,
    "give public keys as PEM, JWK or JWK Set, or a secret of at least 32 bytes (48 for HS384, 64 for HS512)",
    "Keys are read when the configuration is loaded: a mistake in them would refuse every client, or, with a secret that can be guessed, let everyone in.",
  ),
  Z1308: error(
    "a mistake in a list file",
    "half a list of whom to keep out looks like a list, so the whole file is refused; a running gateway keeps its last good one.",
    "write one address or CIDR block a line, with its host bits zero; # or ; begins a comment",
    "Lists are read when the configuration is loaded. A file that is cut off, or is an error page of the server it came from, must not pass for one.",
  ),
  Z1309: error(
    "not a database of networks",
    "who is on its lists would not be known, so the whole file is refused.",
    "put a whole MaxMind DB file there, by renaming: a copy that is still being written is cut short",
    "Databases are checked whole, tree and records, before anything uses them. A damaged one would let in whom a list keeps out.",
  ),
  Z1311: error(
    "a mistake in a file of API keys or users",
    "an entry that is left out is a client that is locked out, so the whole file is refused; a running gateway keeps its last good one.",
    "write lines that `zion api-key ID` and `zion password NAME` make; # begins a comment line",
    "Credentials are read when the configuration is loaded. The files hold hashes only; costs of passwords are bounded, because every log-in pays them.",
  ),
  Z1312: error(
    "a key or a directory of the audit log, or of [capture], that cannot be used",
    "a log whose key others can read proves nothing, so the gateway does not start with it.",
    "make a key with `head -c 32 /dev/urandom >key; chmod 0600 key`, and a directory with mode 0700",
    "The root key makes every MAC of the log, and the directory holds the evidence. The check looks at sizes and permissions only: the key of the audit log is read by the writer process alone, that of [capture] by the primary.",
  ),
  Z1313: error(
    "a certificate chain in the wrong order",
    "clients would be shown a certificate whose key the gateway does not have.",
    "put the server's own certificate first, then its issuer's, and so on",
    "The first certificate of the file is presented as the server's (RFC 8446 §4.4.2). Here the key belongs to a later one.",
  ),
  Z1314: error(
    "a private key that is not kept as one",
    "whoever can read the key can impersonate your site, and whoever can replace it chooses who does.",
    "chown it to the user of the gateway or root; chmod 600, or 640 (defaultMode 0440 in Kubernetes) with a group of its own",
    "The file must belong to the gateway's user or root, be closed to others, and not be written by a group. A symbolic link inside the config's directory must not lead out of it; Kubernetes' `..data` does not.",
  ),
  Z1315: error(
    "post-quantum key exchange is required and not there",
    "no client could connect, or the promise would be broken in silence.",
    'run an official Node 24 or later, whose OpenSSL is 3.5 or later, or write `pq_mode = "prefer"`',
    "X25519MLKEM768 came with OpenSSL 3.5. A Node that is linked with an older one does not have it.",
  ),
  Z1316: error(
    "a state directory that others can enter",
    "the gateway does not start with it: keys, tokens and evidence lie there, and whoever can enter it can take over.",
    "chown it to the user of the gateway; chmod 700",
    "The directory must be one, of mode 0700, and belong to the user of the gateway. A start makes it when it is not there. Run by root, the check leaves the owner out.",
  ),
  Z1317: error(
    "not usable as a key of the mesh",
    "the edge could not prove who it is, or would believe nobody.",
    "make keys with `zion mesh keygen`; public ones are 64 hex digits",
    "Edges know each other by Ed25519 keys, and share one key of 32 bytes that encrypts what they say. A public key whose signatures fit every text is refused, too.",
  ),
  Z1331: error(
    "not usable as an authority of clients",
    "clients could not be told from strangers.",
    "give certificates of authorities, each with its issuers up to a self-signed root",
    "`client_ca_path` says whose certificates are good. Only authorities belong into it, and chains are verified up to a root: an intermediate without its root would refuse every client. Certificates of clients themselves are named in `client_names`.",
  ),
  Z1332: error(
    "not a usable revocation list",
    "revoked certificates would be let in.",
    "give whole lists in PEM (-----BEGIN X509 CRL-----), each signed by an authority in `client_ca_path`",
    "A revocation list counts for the authority that signed it. Lists of others, parts of lists, changes to lists and lists about certificates of other issuers are refused rather than read as if they were complete. DER files are converted with `openssl crl -inform der`.",
  ),
  Z1341: error(
    "`serve_dir` is no directory",
    notStarted,
    "create the directory, or correct the path (relative paths start at the config file's directory)",
    "A route that serves files from a directory that is not there would answer 404 to everybody.",
  ),
  Z1342: error(
    "`serve_dir` holds the configuration",
    notStarted,
    "serve a directory of its own, which holds nothing but what everybody may read",
    "Everything below `serve_dir` is public: this file, and the keys and secrets that usually lie beside it, would be.",
  ),
  Z2001: warning(
    "a key by its old name",
    "it is read, until the minor version after the one that renamed it has ended.",
    "zion migrate writes the new names into the file",
    "A key that is renamed keeps its old name for one more minor version, so that an update does not stop a gateway. Afterwards the old name is an unknown key.",
  ),
  Z2101: warning(
    "trusted_proxies trusts everyone",
    "every client can choose the address it is logged, limited and judged by.",
    "list the addresses of your balancers, or leave the list empty",
    "X-Forwarded-For is believed when the peer is in `trusted_proxies`. With 0.0.0.0/0 or ::/0 that is every host on the internet.",
    'trusted_proxies = ["0.0.0.0/0"]',
    'trusted_proxies = ["10.0.12.0/24"]',
  ),
  Z2102: warning(
    "the certificate is not valid now",
    "clients will refuse the connection.",
    "renew the certificate",
    "The file loads, because refusing it would take down every other host as well.",
  ),
  Z2106: warning(
    "the certificate does not cover its name",
    "clients that ask for this name will refuse the certificate.",
    "use a certificate whose subjectAltName has the name",
    "Browsers compare the name they asked for with the certificate's subjectAltName.",
  ),
  Z2107: warning(
    "an upstream that no route uses",
    "it is probed and takes connections, but never gets a request.",
    "remove it or point a route at it",
    "Often a sign of a route that was meant to use it.",
  ),
  Z2108: warning(
    "a setting without effect",
    "the value is read and not used.",
    "remove it, or set what it depends on",
    "The setting depends on another one that is off.",
  ),
  Z2109: warning(
    "a pattern that looks like a wildcard but is literal",
    "the route serves only the path exactly as written, with its `*` or `:`.",
    "write {name} for one segment and {*rest} for the rest",
    "Other routers write wildcards as `*` or `:name`. Here these are ordinary characters of a path.",
    'path = "/api/*"',
    'path = "/api/{*rest}"',
  ),
  Z2110: warning(
    "a route without the WAF",
    "requests of this route are forwarded without inspection.",
    "remove `waf = false`, or write `waf_shadow = true` to see first what would be refused",
    "Every route is inspected unless it says `waf = false`. Such routes are listed on every check and start, so that nobody forgets them.",
    "waf = false",
    "waf_shadow = true",
  ),
  Z2111: warning(
    "an exclusion that has ended",
    "the rule applies again.",
    "remove the exclusion, or write a later date",
    "`until` ends an exclusion by itself, so that an exception for a week does not stay for years.",
    '[[exclude]]\nrule = "sql"\nuntil = 2020-01-01',
    '[[exclude]]\nrule = "sql"',
  ),
  Z2112: warning(
    "a secret in the configuration",
    "everyone who can read the file, its backups or its history can make tokens.",
    "use `secret_env` or `secret_file`",
    "`secret` is read for files written for the reference gateway. Configurations are copied, shown and kept in version control; secrets must not be.",
  ),
  Z2113: warning(
    "the audit key comes from the environment",
    "whoever may read /proc of the gateway, or describe its container, has the key.",
    "put the key into a file of mode 0600 and name it in `key_file`",
    "An environment stays readable for as long as a process lives, and crash reports, container tools and children copy it. The gateway passes it to the writer process only.",
  ),
  Z2114: warning(
    "WebSocket to an upstream that is spoken to in HTTP/2",
    "handshakes of this route go to the upstream over HTTP/1.1; one that speaks only HTTP/2 answers none of them.",
    "make sure that the upstream speaks HTTP/1.1 on the same port, or give the route an upstream without `protocol`",
    "A WebSocket needs a connection of its own, and nearly every server takes its handshake in HTTP/1.1. Whoever opens one over HTTP/2 is served all the same: the gateway translates.",
  ),
  Z2115: warning(
    "tokens for every audience",
    "a token that the issuer made for another service is good here, too.",
    "set `audience` to the name that the issuer knows this service by",
    "An issuer signs tokens for all its clients with the same keys. `aud` says for whom a token is; without it, whoever gets a token for some other service of the house can use it here.",
  ),
  Z2116: warning(
    "an audit log that is off",
    "nothing is recorded.",
    "write `enabled = true`, or `enabled = false` if that is meant",
    "`[audit]` is off unless it says `enabled = true`. A table with a path and without that word looks like a log that is kept.",
  ),
  Z2117: warning(
    "an admin token that has expired",
    "the admin listener refuses it.",
    "remove the table, or make a new token with `zion token NAME`",
    "`expires` ends a token by itself, so that one that leaked years ago opens nothing.",
    '[admin.token.ci]\nsha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"\nexpires = 2020-01-01',
    '[admin.token.ci]\nsha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"\nexpires = 2030-01-01',
  ),
  Z2118: warning(
    "two upstreams with the same sticky cookie",
    "a client that is sent to both keeps to no member of either.",
    "leave `cookie` out, or give each upstream a name of its own",
    "A browser has one cookie of a name. Each upstream refuses the other's, which another key signed, and sets its own in its place. Where no host leads to both, nothing is wrong.",
    '[upstream.a]\nurl = "http://10.0.0.6:8080"\nsticky = { cookie = "member" }\n\n[upstream.b]\nurl = "http://10.0.0.7:8080"\nsticky = { cookie = "member" }',
    '[upstream.a]\nurl = "http://10.0.0.6:8080"\nsticky = {}\n\n[upstream.b]\nurl = "http://10.0.0.7:8080"\nsticky = {}',
  ),
  Z2119: warning(
    "a quorum of one",
    "whoever takes over one edge can have any client refused at all others.",
    "ask for more, 3 of 5 where there are as many",
    "Claims are signed, but an edge that was taken over signs, too. Only the number of edges that must agree stands against that.",
  ),
  Z2120: warning(
    "a body limit that the WAF does not follow",
    "larger bodies than the WAF inspects are answered 400 `body_size`, whatever the route takes.",
    "raise `max_body_mb` of the WAF profile, too",
    'A route and the WAF have a limit each: what a route takes, and what is inspected. Nothing passes uninspected for its size. Held bodies share `max_buffered_mb`; a route with `body = "stream"` holds little of one.',
    '[[route]]\npath = "/upload"\nupstream = "app"\nmax_body_mb = 100',
    '[[route]]\npath = "/upload"\nupstream = "app"\nmax_body_mb = 100\n\n[waf_profile.default]\nmax_body_mb = 100',
  ),
  Z2131: warning(
    "a certificate chain that clients may not follow",
    "clients that do not know the missing issuer will refuse the connection.",
    "use the file that your CA calls the full chain: the certificate, then each issuer",
    "A client needs an unbroken way from the server's certificate to a root it trusts. Browsers often repair gaps; other clients do not.",
  ),
  Z2132: warning(
    "a weak certificate",
    "clients refuse it, or will soon.",
    "get a certificate signed with SHA-256 or better, with an ECDSA key or RSA of at least 2048 bits",
    "SHA-1 and MD5 signatures can be forged, and short RSA keys can be factored.",
  ),
  Z2134: warning(
    "a certificate and key that were half written",
    "the pair that was in force before is served, until both files fit again.",
    "finish or repeat the renewal; the files are read again when they change",
    "When the gateway starts and finds a pair that cannot work together, it takes the copy that it kept in the state directory: an interrupted renewal is no reason to serve nothing. `zion check` and reloads refuse such a pair.",
  ),
  Z2133: warning(
    "a certificate that must be stapled, and cannot be",
    "clients that heed the extension will refuse the connection.",
    "get a certificate without OCSP must-staple",
    "The TLS feature extension (RFC 7633) tells clients to insist on an OCSP answer with the handshake, and the certificate names no responder that could be asked for one.",
  ),
  Z2151: warning(
    "a challenge that may not reach us",
    "the CA cannot check that the names are ours, and issues nothing, unless something in front passes the port on.",
    "listen on port 80 for http-01 and 443 for tls-alpn-01, or have that port passed on to this listener",
    "A CA connects to the port that the challenge prescribes (RFC 8555 §8.3, RFC 8737 §3), whatever the gateway listens on. In containers and behind load balancers the port is usually mapped.",
    '[server]\nlisten_https = "0.0.0.0:443"\nstate_dir = "/var/lib/zion"\n\n[tls.acme]\ndomains = ["shop.example.org"]\nterms_agreed = true',
    '[server]\nlisten_https = "0.0.0.0:443"\nstate_dir = "/var/lib/zion"\n\n[tls.acme]\ndomains = ["shop.example.org"]\nterms_agreed = true\nchallenge = "tls-alpn-01"',
  ),
  Z2152: warning(
    "a certificate for a name without routes",
    "a certificate is ordered, and requests for the name are answered 404.",
    "correct the name, or give it a route",
    "Every route names its hosts, and none of them is this one. Often a slip in the name.",
  ),
  Z2153: warning(
    "an issued certificate that cannot be used",
    "a self-signed one is served until another is issued.",
    "look at the file; removing it orders a new certificate",
    "The gateway writes key and chain into one file. This one is something else, or cannot be read.",
  ),
  Z2161: warning(
    "a revocation list is missing or out of date",
    "it depends on `client_crl_enforce_next_update`.",
    "fetch the lists again before their nextUpdate, and put one of each authority into `client_crl_path`",
    "With `client_crl_path`, every signer from a client's certificate up to the root must have a list there: of a signer without one nobody knows whom it revoked. A list past its nextUpdate is still used unless `client_crl_enforce_next_update` is set.",
  ),
  Z2162: warning(
    "authorities of clients that nobody needs",
    "no client is asked for a certificate.",
    'write `client_auth = "required"` or "optional", in [tls], in [[tls.sni]] or in a route, or remove `client_ca_path`',
    "`client_ca_path` says which certificates would be good. Whether one is asked for is said by `client_auth`.",
  ),
} as const satisfies Record<string, CodeRow>;
