import type { AdminConfig, ControlAddress } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import { type AdminEndpoint, type AdminWrite, createAdmin } from "./admin.ts";
import { createAdminAccess } from "./admin-access.ts";
import { isOurHost } from "./admin-host.ts";
import { adminTokens } from "./admin-tokens.ts";
import type { AuditSupply } from "./audit-supply.ts";
import { readConsole } from "./console.ts";
import type { ControlHandler } from "./control-listener.ts";
import type { Exposition } from "./exposition.ts";
import type { Log } from "./log.ts";
import { createOpJournal } from "./op-journal.ts";

export interface AdminDeskOptions {
  readonly endpoints: readonly AdminEndpoint[];
  /** In force. */
  readonly admin: () => AdminConfig;
  /** Of the token in the environment. */
  readonly tokenDigest: () => Buffer | undefined;
  readonly audit: Pick<AuditSupply, "isRequired" | "must" | "tell">;
  readonly exposition: Pick<Exposition, "add">;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the admin listener remembers through reloads, and where it leaves its traces; a handler for each address. */
export function createAdminDesk(
  options: AdminDeskOptions,
): (listening: () => ControlAddress) => ControlHandler {
  const { endpoints, admin, tokenDigest, audit, exposition, clock, log } = options;
  const journal = createOpJournal(clock);
  const page = readConsole();
  const access = createAdminAccess({
    rules: () => ({
      tokens: adminTokens(admin(), tokenDigest()),
      readNeedsToken: admin().tokens.length > 0,
      write: admin().write,
    }),
    onFailure(failure, source, token) {
      exposition.add("authFailures", [failure]);
      // Nothing was tried without a token, and while it is locked out a source may not fill the log.
      if (failure === "admin_no_token" || failure === "admin_locked") return;
      log.warn({ "event.name": "zion.admin.refused", reason: failure, source, token }, "not let in");
    },
    clock,
  });

  return (listening) =>
    createAdmin({
      access,
      endpoints,
      page,
      journal,
      isOurHost: (host, reached) => isOurHost(host, reached, admin(), listening()),
      begin: async (write) =>
        (await audit.must({ data: traceOf(write, { result: "asked" }), kind: "admin_action" })) ||
        !audit.isRequired,
      ended(write, status) {
        const result = status < 400 ? "done" : "refused";
        audit.tell({ data: traceOf(write, { result, status }), kind: "admin_action" });
        const { actor, method, path, opId, peer } = write;
        log.info(
          {
            "event.name": "zion.admin.write",
            actor,
            op: `${method} ${path}`,
            op_id: opId,
            status,
            client: peer.address === "" ? "unix" : peer.address,
            certificate: peer.certificate,
          },
          `an operator's request is ${result}`,
        );
      },
    });
}

/** Keys ascending, as records have them. */
function traceOf(
  { actor, method, path, opId, peer }: AdminWrite,
  outcome: { readonly result: string; readonly status?: number },
) {
  return {
    actor,
    ...(peer.certificate === "" ? {} : { certificate: peer.certificate }),
    method,
    ...(opId === "" ? {} : { op_id: opId }),
    path,
    ...outcome,
  };
}
