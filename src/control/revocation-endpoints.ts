import type { AdminEndpoint } from "./admin.ts";
import { json } from "./control-listener.ts";
import { type Revocations, readRevocation } from "./revocations.ts";

/** Revoked tokens over the admin listener. */
export function revocationEndpoints(
  revocations: Pick<Revocations, "list" | "add" | "remove">,
): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/revocations",
      role: "read",
      does: "tokens that were taken back, by `jti`, until they expire",
      answer: () => json(200, { revocations: revocations.list() }),
    },
    {
      method: "POST",
      path: "/v1/revocations",
      role: "operate",
      does: 'takes a token back: {"jti": "…", "exp": its end, seconds since the epoch}',
      answer: ({ body }) => {
        const entry = readBody(body);
        if (typeof entry === "string") return json(400, { error: entry });
        const result = revocations.add(entry);
        if (result === "added") return json(200, entry);
        if (result === "over")
          return json(422, { error: "`exp` is in the past: such a token is refused anyway" });
        if (result === "full") return json(507, { error: "there are as many as can be kept" });
        return json(500, { error: "it is in force, but could not be written: a restart forgets it" });
      },
    },
    {
      method: "DELETE",
      path: "/v1/revocations/{jti}",
      role: "operate",
      does: "lets a token that was taken back in again",
      answer: (_request, jti) => {
        const result = revocations.remove(jti);
        if (result === "removed") return json(200, { jti });
        if (result === "unknown") return json(404, { error: "it is not on the list" });
        return json(500, { error: "it could not be written, and stays on the list" });
      },
    },
  ];
}

function readBody(body: Buffer): ReturnType<typeof readRevocation> {
  try {
    return readRevocation(JSON.parse(body.toString("utf8")));
  } catch {
    return "the body is no JSON";
  }
}
