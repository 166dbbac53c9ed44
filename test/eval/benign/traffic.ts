import type { EvalCase } from "../case.ts";
import { accounts } from "./accounts.ts";
import { actionNames } from "./actions.ts";
import { apart } from "./apart.ts";
import { applications } from "./applications.ts";
import { beacons } from "./beacons.ts";
import { blogs } from "./blogs.ts";
import { cms } from "./cms.ts";
import { documents } from "./documents.ts";
import { drawOf } from "./draw.ts";
import { filters } from "./filters.ts";
import { forges } from "./forges.ts";
import { forms } from "./forms.ts";
import { git } from "./git.ts";
import { graphql } from "./graphql.ts";
import { monitoring } from "./monitoring.ts";
import { pages } from "./pages.ts";
import { registries } from "./registries.ts";
import { rpc } from "./rpc.ts";
import { telemetry } from "./telemetry.ts";
import type { Template } from "./template.ts";
import { uploads } from "./uploads.ts";
import { webdav } from "./webdav.ts";
import { webhooks } from "./webhooks.ts";
import { writing } from "./writing.ts";

/** All templates by kind of traffic. */
export const kinds: Readonly<Record<string, readonly Template[]>> = {
  registries,
  git,
  pages,
  beacons,
  telemetry,
  webhooks,
  forges,
  cms,
  blogs,
  graphql,
  filters,
  monitoring,
  writing,
  forms,
  accounts,
  uploads,
  documents,
  rpc,
  actionNames,
  webdav,
  applications,
};

/** Requests made from each template. */
const ROUNDS = 16;

/** Benign requests that look like real clients', the same on every run. */
export function benignTraffic(): EvalCase[] {
  return Object.entries(kinds).flatMap(([kind, templates]) => casesOf(kind, templates));
}

/** Those that an inspection may well refuse. */
export function apartTraffic(): EvalCase[] {
  return casesOf("apart", apart);
}

function casesOf(kind: string, templates: readonly Template[]): EvalCase[] {
  const cases: EvalCase[] = [];
  for (const { name, make } of templates) {
    for (let round = 0; round < ROUNDS; round++) {
      const { method, target, headers, body } = make(drawOf(`${kind}/${name}`, round));
      const id = `${kind}/${name}#${round}`;
      cases.push({
        id,
        category: kind === "apart" ? `apart/${name}` : `benign/${kind}`,
        expect: "pass",
        method,
        target,
        headers,
        body,
      });
    }
  }
  return cases;
}
