import type { AdminRole } from "../config/config.ts";
import type { Clock } from "../std/clock.ts";
import { type AdminToken, findToken, mayAs } from "./admin-tokens.ts";
import { type ControlAnswer, type ControlPeer, type ControlRequest, json } from "./control-listener.ts";
import { createLockOut } from "./lock-out.ts";

/** Who may use the admin listener now: from the configuration in force. */
export interface AccessRules {
  readonly tokens: readonly AdminToken[];
  /** Reading takes a token, too. */
  readonly readNeedsToken: boolean;
  /** Something may be changed at all. */
  readonly write: boolean;
}

/** Why somebody was not let in; label values of `zion_auth_failures_total`. */
export type AccessFailure =
  | "admin_no_token"
  | "admin_bad_token"
  | "admin_expired"
  | "admin_role"
  | "admin_locked";

export interface AccessOptions {
  readonly rules: () => AccessRules;
  readonly onFailure: (failure: AccessFailure, source: string, token: string) => void;
  readonly clock: Clock;
}

/** Somebody who was let in. */
export interface Caller {
  /** Of the token; "" = none was asked for. */
  readonly name: string;
  /** Whether the same request would still be let in: answers that go on ask from time to time. */
  readonly isWelcome: () => boolean;
}

export interface AdminAccess {
  /** The caller, or the answer that refuses. */
  admit(request: ControlRequest, needs: AdminRole, isWrite: boolean): Caller | ControlAnswer;
}

export function createAdminAccess({ rules, onFailure, clock }: AccessOptions): AdminAccess {
  const lockOut = createLockOut(clock);

  const good = (token: AdminToken, needs: AdminRole): AccessFailure | undefined => {
    if (token.expiresMs <= clock.wallMs()) return "admin_expired";
    return mayAs(token.role, needs) ? undefined : "admin_role";
  };

  return {
    admit(request, needs, isWrite) {
      const { tokens, readNeedsToken, write } = rules();
      if (isWrite && !write) return json(403, { error: "writing is off: see `write` in [admin]" });
      if (!isWrite && !readNeedsToken) return { name: "", isWelcome: () => !rules().readNeedsToken };
      const source = sourceOf(request.peer);
      const waitMs = lockOut.waitMs(source);
      if (waitMs > 0) {
        onFailure("admin_locked", source, "");
        return json(
          429,
          { error: "too many wrong tokens" },
          { "Retry-After": String(Math.ceil(waitMs / 1000)) },
        );
      }
      const [scheme = "", text = ""] = request.header("authorization").split(" ");
      if (scheme.toLowerCase() !== "bearer" || text === "") {
        onFailure("admin_no_token", source, "");
        return unauthorized("a token is needed");
      }
      const token = findToken(tokens, text);
      if (token === undefined) {
        lockOut.fail(source);
        onFailure("admin_bad_token", source, "");
        return unauthorized("unknown token");
      }
      lockOut.forgive(source);
      const failure = good(token, needs);
      if (failure === undefined) {
        const isWelcome = () => {
          const known = rules().tokens.find(({ digest }) => digest.equals(token.digest));
          return known !== undefined && good(known, needs) === undefined;
        };
        return { name: token.name, isWelcome };
      }
      onFailure(failure, source, token.name);
      return failure === "admin_expired"
        ? unauthorized("the token has expired")
        : json(403, { error: `this takes the role ${needs}` });
    },
  };
}

function unauthorized(error: string): ControlAnswer {
  return json(401, { error }, { "WWW-Authenticate": "Bearer" });
}

/** Who has to wait for wrong tokens: a certificate, an address, or the one owner of a Unix socket. */
function sourceOf({ certificate, address }: ControlPeer): string {
  return certificate || address || "unix";
}
