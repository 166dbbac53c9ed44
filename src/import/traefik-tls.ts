import { decideOption, named, option, type TraefikImport } from "./traefik-options.ts";
import { listOf, type Tree, textOf } from "./tree.ts";
import { needsYou, translated } from "./verdict.ts";

/** Certificates and versions. Traefik reads the names from the certificates; here they are written down. */
export function readTraefikTls(traefik: TraefikImport): void {
  const { tls } = traefik.draft;
  const stored = option(named(traefik, "tls", "stores").get("default"), "defaultCertificate");
  const pairs = [
    ...(stored === undefined ? [] : [stored]),
    ...traefik.roots.flatMap((root) => listOf(option(root, "tls", "certificates"))),
  ];
  for (const [i, pair] of pairs.entries()) usePair(pair, i === 0, traefik);
  const version = option(named(traefik, "tls", "options").get("default"), "minVersion");
  const minimum = textOf(version);
  if (minimum !== "") tls["min_version"] = minimum === "VersionTLS13" ? "1.3" : "1.2";
  // Traefik's own preset is 1.2.
  else tls["min_version"] = "1.2";
}

function usePair(pair: Tree, isFirst: boolean, traefik: TraefikImport): void {
  const cert = option(pair, "certFile");
  const key = option(pair, "keyFile");
  const { tls } = traefik.draft;
  if (isFirst && textOf(cert) !== "" && textOf(key) !== "") {
    tls["cert_path"] = textOf(cert);
    tls["key_path"] = textOf(key);
    decideOption(traefik, cert, translated("`cert_path`"));
    decideOption(traefik, key, translated("`key_path`: mode 0600"));
    return;
  }
  for (const tree of [cert, key])
    decideOption(
      traefik,
      tree,
      needsYou("write its names as [[tls.sni]]: `server_name`, `cert_path`, `key_path`"),
    );
}
