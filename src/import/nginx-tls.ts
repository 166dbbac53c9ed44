import type { Listen } from "./nginx-listen.ts";
import { decide, effective, type NginxImport, type Place, type Scope } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { needsYou, type Outcome, translated } from "./verdict.ts";

/** Certificates of a server: that of the default one is the default here. */
export function translateServerTls(
  scope: Scope,
  hosts: readonly string[],
  isDefault: boolean,
  listens: readonly Listen[],
  nginx: NginxImport,
): void {
  const { draft } = nginx;
  if (!listens.some(({ secure }) => secure)) return;
  const certificates = effective(scope, "ssl_certificate");
  const keys = effective(scope, "ssl_certificate_key");
  // A second pair is for clients without ECDSA.
  for (const extra of [...certificates.slice(1), ...keys.slice(1)])
    decide(nginx, extra, needsYou("one certificate for each name"));
  const cert = certificates[0]?.args[0];
  const key = keys[0]?.args[0];
  if (cert === undefined || key === undefined || cert.includes("$") || key.includes("$")) {
    for (const directive of [...certificates, ...keys].slice(0, 2))
      decide(nginx, directive, needsYou("a certificate is a file with a name"));
    return;
  }
  decide(nginx, certificates[0]!, translated("`cert_path`"));
  decide(nginx, keys[0]!, translated("`key_path`: mode 0600"));
  if (draft.tls["cert_path"] === undefined || isDefault) {
    draft.tls["cert_path"] = cert;
    draft.tls["key_path"] = key;
  }
  for (const host of hosts) if (!draft.sni.has(host)) draft.sni.set(host, { cert_path: cert, key_path: key });
}

/** `ssl_verify_client on`: the authority is one for the gateway, the asking a route's own. */
export function translateVerifyClient({ args }: Directive, place: Place): Outcome {
  if (args[0] === "off") return translated("off");
  const { tls, server } = place.nginx.draft;
  if (server["listen_https"] === undefined) return translated("without TLS nobody is asked, as in nginx");
  const [authority] = effective(place.scope, "ssl_client_certificate");
  const file = authority?.args[0];
  const taken = tls["client_ca_path"];
  if (
    args[0] !== "on" ||
    file === undefined ||
    file.includes("$") ||
    (taken !== undefined && taken !== file)
  ) {
    place.closed.push("ssl_verify_client");
    return needsYou("whose certificates are good cannot be said here: the route is closed");
  }
  tls["client_ca_path"] = file;
  place.route["client_auth"] = "required";
  decide(place.nginx, authority!, translated("`tls.client_ca_path`"));
  const [list] = effective(place.scope, "ssl_crl");
  if (list?.args[0] !== undefined && !list.args[0].includes("$")) {
    tls["client_crl_path"] = list.args[0];
    decide(place.nginx, list, translated("`tls.client_crl_path`"));
  }
  return translated('`client_auth = "required"`: 403 without a good certificate, where nginx says 400');
}
