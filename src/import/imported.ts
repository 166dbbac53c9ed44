import { completeCompression } from "./compression.ts";
import { type Draft, dropConflicts } from "./draft.ts";
import type { Ledger, Row } from "./ledger.ts";
import { isClosed, printConfig } from "./print-config.ts";
import type { ImportReport } from "./report.ts";
import type { Problem } from "./source-file.ts";

/** What an import makes of files: the new configuration with its report, or why the old ones cannot be read. */
export type Imported =
  | { readonly kind: "imported"; readonly toml: string; readonly report: ImportReport }
  | { readonly kind: "unreadable"; readonly problems: readonly Problem[] };

/** What acts on every request, whatever the other program was told. */
const everywhere: readonly string[] = [
  "Requests that two servers could read in two ways are refused: docs/operating/reasons.md.",
  "X-Forwarded-For, -Host, -Port and -Proto, Forwarded, X-Real-IP, X-Request-ID, traceparent and Via are always sent upstream, and what clients send under these names is not believed.",
  "The gateway's own errors have short fixed bodies, and `403` is what a closed route answers.",
  "The WAF inspects every request. Where none refused before it is in shadow (`waf_shadow = true`): look at what it would refuse, then take the key away.",
  "Answers get no security headers that they had not before: take `[header_profile.default]` away to have the gateway's own. Server is never passed on.",
  "A whole exchange ends after an hour (`total_timeout_ms`), and a request body must average 1 KiB/s (`body_min_rate`).",
];

/** Prints what was put together. `notes` are those of the one source. */
export function finishImport(
  source: string,
  draft: Draft,
  ledger: Ledger,
  notes: readonly string[],
): Imported {
  dropConflicts(draft, ledger);
  completeTls(draft);
  nameBodies(draft);
  completeCompression(draft);
  const rows: readonly Row[] = ledger.rows();
  return {
    kind: "imported",
    toml: printConfig(draft, source),
    report: {
      source,
      rows,
      notes: [...notes, ...everywhere],
      routes: draft.routes.length,
      closedRoutes: draft.routes.filter(isClosed).length,
      upstreams: new Set(draft.routes.flatMap(({ upstream }) => upstream ?? [])).size,
    },
  };
}

/** A body that a route lets in must not be too large for the WAF: nobody asked for a second limit. */
function nameBodies(draft: Draft): void {
  const sizes = draft.routes.map(({ keys }) => Number(keys["max_body_mb"] ?? 0));
  const largest = Math.max(10, Number(draft.server["max_body_mb"] ?? 0), ...sizes);
  if (largest > 10) draft.wafProfile["max_body_mb"] = largest;
}

/** [tls] belongs to the TLS listener: not without it, and not without a certificate. */
function completeTls(draft: Draft): void {
  if (draft.server["listen_https"] === undefined) {
    for (const key of Object.keys(draft.tls)) delete draft.tls[key];
    draft.sni.clear();
  } else if (draft.tls["cert_path"] === undefined) Object.assign(draft.tls, certificatePaths("tls"));
}

/** Where a certificate has to be put that the old configuration had in another form. */
export function certificatePaths(name: string): { readonly cert_path: string; readonly key_path: string } {
  return { cert_path: `/etc/zion/tls/${name}.crt`, key_path: `/etc/zion/tls/${name}.key` };
}
