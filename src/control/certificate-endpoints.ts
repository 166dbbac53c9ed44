import { type CertificateFacts, chooseCertificate, type ServedCertificate } from "../cert/inventory.ts";
import type { AdminEndpoint } from "./admin.ts";
import type { CertificateDesk } from "./certificate-desk.ts";
import { json } from "./control-listener.ts";
import type { TicketKeys } from "./tickets.ts";

/** What `GET /v1/certs` answers. */
export interface CertificateList {
  readonly certificates: readonly (ServedCertificate & {
    readonly certificates: readonly (CertificateFacts & { readonly ocsp: string })[];
  })[];
  /** With `?host=`: which of them a client that asks for it gets, and by which `server_name`. */
  readonly host?: { readonly index: number; readonly matched: string };
}

/** The certificates in force, and their tickets, over the admin listener. */
export function certificateEndpoints(
  desk: Pick<CertificateDesk, "served" | "ocspOf">,
  tickets: Pick<TicketKeys, "rotate">,
): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/certs",
      role: "read",
      does: "the certificates in force: names, files, until when; `host`: which one a client that asks for it gets",
      answer: ({ query }) => {
        const { served } = desk;
        const certificates = served.map((one) => ({
          ...one,
          certificates: one.certificates.map((facts) => ({
            ...facts,
            ocsp: desk.ocspOf(facts.sha256) ?? "off",
          })),
        }));
        const host = query.get("host");
        if (host === null || served.length === 0)
          return json(200, { certificates } satisfies CertificateList);
        const choice = chooseCertificate(served, host);
        const found = { index: served.indexOf(choice.served), matched: choice.matched ?? "" };
        return json(200, { certificates, host: found } satisfies CertificateList);
      },
    },
    {
      method: "POST",
      path: "/v1/tickets/revoke",
      role: "operate",
      does: "makes every TLS session ticket that was given out worthless",
      answer: () => {
        tickets.rotate("api");
        return json(200, { revoked: true });
      },
    },
  ];
}
