import type { Manifest } from "../config/parts.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type ControlAnswer, json, text } from "./control-listener.ts";
import type { Reloader, ReloadResult } from "./reload.ts";

export type GenerationSource = Pick<Reloader, "generation" | "cut" | "history" | "reload" | "rollBack">;

/** What `GET /v1/running` answers: `zion check --against running` compares it with a file. */
export interface Running {
  readonly generation: number;
  /** Names by content, no values. */
  readonly manifest: Manifest;
}

/** The admin listener's endpoints about configurations in force. */
export function generationEndpoints(source: GenerationSource): readonly AdminEndpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/generations",
      does: "the last configurations: when, from where, what they changed, and what was refused",
      answer: () => json(200, { generations: source.history() }),
    },
    {
      method: "GET",
      path: "/v1/running",
      does: "what the configuration in force is made of, by hash",
      answer: () =>
        json(200, { generation: source.generation, manifest: source.cut.manifest } satisfies Running),
    },
    {
      method: "POST",
      path: "/v1/reload",
      does: "reads the configuration file again; waits for the result unless ?wait=no",
      answer: async ({ query }) => {
        const result = source.reload("api");
        return query.get("wait") === "no" ? text(202, "reloading") : reloadAnswer(await result);
      },
    },
    {
      method: "POST",
      path: "/v1/rollback/{generation}",
      does: "puts one of the last configurations in force again; the file stays as it is",
      answer: async (_request, generation) => reloadAnswer(await source.rollBack(Number(generation))),
    },
  ];
}

function reloadAnswer(result: ReloadResult): ControlAnswer {
  if (result.kind === "refused")
    return json(422, { generation: result.generation, reason: result.reason, error: result.problem });
  return json(200, { generation: result.generation });
}
