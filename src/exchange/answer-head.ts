import { beginSteps } from "../answer/steps.ts";
import type { Exchange } from "../exchange.ts";
import { replaceCors } from "../gate/cors.ts";
import { editAnswerFields } from "../http/field-edit.ts";
import type { ResponseHead } from "../http/response-head.ts";
import type { Route } from "../snapshot.ts";

/** The head goes to the client, wherever it comes from. From now on there is no other answer. */
export function beginAnswer(exchange: Exchange, head: ResponseHead, nowMs: number): void {
  const { record, route } = exchange;
  exchange.answerStarted = true;
  record.status = head.status;
  record.answeredMs = nowMs;
  if (route !== undefined && (route.inspection !== undefined || route.compression !== undefined))
    addSteps(exchange, head, route);
  exchange.outlet.answerHead(head);
}

/** The body is inspected or compressed on its way, where the route says so and this answer is one for it. */
function addSteps(exchange: Exchange, head: ResponseHead, route: Route): void {
  const { state, request, downstream } = exchange;
  const step = beginSteps(route, head, request, state.clock.wallMs(), state, exchange, downstream);
  exchange.step = step;
  if (step !== undefined) exchange.outlet = step;
}

/** What gates, route and cache have to say in the head, before it goes. */
export function dress(exchange: Exchange, head: ResponseHead, { cors, transform }: Route): void {
  const { request, cacheWords } = exchange;
  if (cors !== undefined) replaceCors(head, request.answerLines);
  else head.addedLines = request.answerLines;
  if (transform.answerFields !== undefined)
    editAnswerFields(head, transform.answerFields, request, transform.scope);
  head.addedLines += cacheWords;
}
