import type { Draft, Keys } from "./draft.ts";
import type { RoutePlace } from "./route-place.ts";
import type { IncludeFiles } from "./source-file.ts";
import type { Outcome, Verdict } from "./verdict.ts";

/** A path of an Ingress while its route is made. */
export interface IngressPlace extends RoutePlace {
  readonly namespace: string;
  /** Annotations without their prefix, over the settings of the controller. */
  readonly settings: ReadonlyMap<string, string>;
  /** `[route.cors]`. */
  readonly cors: Keys;
}

/** One annotation of ingress-nginx. A row that does nothing is always the same: its verdict and note. */
export interface AnnotationRow {
  readonly verdict: Verdict;
  readonly becomes: string;
  readonly note: string;
  readonly apply?: (value: string, place: IngressPlace) => Outcome;
}

/** One key of the controller's ConfigMap. */
export interface ConfigMapRow {
  readonly verdict: Verdict;
  readonly becomes: string;
  readonly note: string;
  /** `data` is the whole ConfigMap. */
  readonly apply?: (value: string, draft: Draft, data: ReadonlyMap<string, string>) => Outcome;
}

export function always(verdict: Verdict, note: string, becomes = ""): AnnotationRow & ConfigMapRow {
  return { verdict, becomes, note };
}

/** Nothing is included from the text of an annotation. */
export const noIncludes: IncludeFiles = () => "not read";
