import { impactOf } from "../config/impact.ts";
import type { Manifest } from "../config/parts.ts";
import type { AdminEndpoint } from "./admin.ts";
import { type ControlAnswer, json } from "./control-listener.ts";
import { generationDiffEndpoint } from "./generation-diff.ts";
import type { Reloader, ReloadResult } from "./reload.ts";

export type GenerationSource = Pick<
  Reloader,
  "generation" | "cut" | "history" | "find" | "reload" | "rollBack" | "push" | "tryOut"
>;

/** As the largest file. */
const configBytesMax = 1_048_576;

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
      role: "read",
      does: "the last configurations: when, from where, what they changed, and what was refused",
      answer: () => json(200, { generations: source.history() }),
    },
    generationDiffEndpoint({ find: source.find, generation: () => source.generation }),
    {
      method: "GET",
      path: "/v1/running",
      role: "read",
      does: "what the configuration in force is made of, by hash",
      answer: () =>
        json(200, { generation: source.generation, manifest: source.cut.manifest } satisfies Running),
    },
    {
      method: "POST",
      path: "/v1/reload",
      role: "operate",
      does: "reads the configuration file again; waits for the result unless ?wait=no",
      answer: async ({ query }) => {
        const result = source.reload("api");
        return query.get("wait") === "no" ? json(202, { reloading: true }) : reloadAnswer(await result);
      },
    },
    {
      method: "POST",
      path: "/v1/rollback/{generation}",
      role: "admin",
      does: "puts one of the last configurations in force again; the file stays as it is",
      answer: async (_request, generation) => reloadAnswer(await source.rollBack(Number(generation))),
    },
    {
      method: "POST",
      path: "/v1/config",
      role: "admin",
      does: "puts the configuration in the body in force, which stays until the file changes; ?dry_run=yes only says what it would change",
      takes: "application/toml",
      bodyBytesMax: configBytesMax,
      answer: async ({ query, body, actor }) => {
        const toml = body.toString("utf8");
        if (query.get("dry_run") !== "yes") return reloadAnswer(await source.push(toml, `push by ${actor}`));
        const trial = await source.tryOut(toml);
        if (trial.kind === "refused")
          return json(422, { generation: source.generation, reason: trial.reason, error: trial.problem });
        const changes = trial.changes.map((change) => ({ ...change, impact: impactOf(change) }));
        return json(200, { dry_run: true, generation: source.generation, changes, warnings: trial.warnings });
      },
    },
  ];
}

function reloadAnswer(result: ReloadResult): ControlAnswer {
  if (result.kind === "refused")
    return json(422, { generation: result.generation, reason: result.reason, error: result.problem });
  return json(200, { generation: result.generation });
}
