import type { AcmeDesk } from "./acme-desk.ts";
import type { AdminEndpoint } from "./admin.ts";
import { json } from "./control-listener.ts";

export type AcmeSource = Pick<AcmeDesk, "status" | "renew" | "rollOver">;

/** What operators see of `[tls.acme]`, and have it do. */
export function acmeEndpoints(acme: AcmeSource): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/acme",
      role: "read",
      does: "certificates that are ordered here: until when, what is tried next, what went wrong last",
      answer: () => json(200, acme.status()),
    },
    {
      method: "POST",
      path: "/v1/acme/renew/{certificate}",
      role: "operate",
      does: "orders a certificate now, by its first name, within the limits of orders; GET /v1/acme says how it went",
      answer: (_request, certificate) => {
        const problem = acme.renew(certificate);
        return problem === undefined ? json(200, { ordering: certificate }) : json(409, { error: problem });
      },
    },
    {
      method: "POST",
      path: "/v1/acme/rollover/{certificate}",
      role: "operate",
      does: "gives the account of a certificate another key",
      answer: async (_request, certificate) => {
        const problem = await acme.rollOver(certificate);
        return problem === undefined ? json(200, { rolled: true }) : json(409, { error: problem });
      },
    },
  ];
}
