import type { AnswerStep, Outlet } from "../http/outlet.ts";
import type { CanonicalRequest } from "../http/request.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { beginCompression, type CompressionRule } from "./compression.ts";
import type { CompressionDesk } from "./compression-desk.ts";
import { beginInspection, type InspectionOwner, type InspectionRule } from "./inspection.ts";
import type { InspectionDesk } from "./inspection-desk.ts";

/** What a route does to the bodies of answers; undefined = nothing. Met by snapshot.ts `Route`. */
export interface AnswerRules {
  readonly name: string;
  readonly inspection: InspectionRule | undefined;
  readonly compression: CompressionRule | undefined;
}

/** What the steps of one worker share. */
export interface AnswerDesks {
  readonly inspection: InspectionDesk;
  readonly compression: CompressionDesk;
}

/** The first of the steps that this answer takes to `client`: it is inspected, then compressed. Undefined: none. */
export function beginSteps(
  rules: AnswerRules,
  head: ResponseHead,
  request: CanonicalRequest,
  nowMs: number,
  desks: AnswerDesks,
  owner: InspectionOwner,
  client: Outlet,
): AnswerStep | undefined {
  const { inspection, compression } = rules;
  const first =
    inspection === undefined
      ? undefined
      : beginInspection(inspection, head, rules.name, nowMs, desks.inspection, owner);
  const second =
    compression === undefined
      ? undefined
      : beginCompression(compression, head, request, desks.compression, first ?? owner, client);
  first?.sendTo(second ?? client, second);
  return first ?? second;
}
