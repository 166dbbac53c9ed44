import { askForWhole } from "../answer/inspection.ts";
import type { Exchange } from "../exchange.ts";
import { checkExposed } from "../gate/internal-only.ts";
import { F } from "../http/field.ts";
import { isGrpc } from "../http/grpc.ts";
import { HEAD } from "../http/request.ts";
import { ResponseHead } from "../http/response-head.ts";
import { reasons } from "../reason.ts";
import { BytesSource } from "../respond/bytes-source.ts";
import { intercept } from "../respond/intercepted.ts";
import { type Page, type PageName, pageLines, pageMethods } from "../respond/page.ts";
import { ownHead, type Reply, replyHead } from "../respond/reply.ts";
import { fileMethods, takeFileRequest } from "../respond/static/file-request.ts";
import type { StaticSite } from "../respond/static/static-site.ts";
import type { Route } from "../snapshot.ts";
import { beginAnswer, dress } from "./answer-head.ts";
import { take } from "./late-verdict.ts";
import { inspectHead } from "./request-inspection.ts";

/** The route answers itself. Nobody reads the body of such a request: the WAF looks at its head only. */
export function answerForRoute(exchange: Exchange, route: Route): void {
  if (route.waf !== undefined && !inspectHead(exchange, route.waf, route)) return;
  const { reply } = route.transform;
  if (reply !== undefined) answerWithReply(exchange, route, reply);
  else answerWithFile(exchange, route, route.site!);
}

/** A redirect, or always the same. */
function answerWithReply(exchange: Exchange, route: Route, reply: Reply): void {
  const head = replyHead(reply, exchange.request, route.transform.scope);
  if (!(head instanceof ResponseHead)) {
    exchange.refuse(head);
    return;
  }
  dress(exchange, head, route);
  answerAtOnce(exchange, head, reply.body);
}

function answerWithFile(exchange: Exchange, route: Route, site: StaticSite): void {
  const { request, record, state } = exchange;
  const refusal = takeFileRequest(request, route.transform.target);
  if (refusal !== undefined) {
    exchange.refuse(refusal, fileMethods);
    return;
  }
  if (route.inspection !== undefined) askForWhole(request, route.inspection);
  record.gatedMs = record.sentMs = state.clock.nowMs();
  exchange.source = state.files.answer(exchange, site, request);
  exchange.source.resume();
}

/** A page of the gateway's own, where the client may see it. There is no route. */
export function answerWithPage(exchange: Exchange, name: PageName): void {
  const { request, snapshot, peerText, state } = exchange;
  const refusal =
    checkExposed(request, snapshot, peerText) ??
    ((pageMethods & (1 << request.method)) === 0 ? reasons.methodRoute : undefined);
  if (refusal !== undefined) {
    exchange.refuse(refusal, pageMethods);
    return;
  }
  let page: Page | undefined;
  const asked = state.pages.ask(name, request.fieldText(F.accept) ?? "").then((got) => () => {
    page = got;
    return got === undefined ? reasons.pageLate : undefined;
  });
  take(exchange, asked, () => sendPage(exchange, page!));
}

function sendPage(exchange: Exchange, page: Page): void {
  const { body } = page;
  const isHead = exchange.request.method === HEAD;
  answerAtOnce(exchange, ownHead(200, pageLines(page), body.length, isHead), body);
}

/** What it says is in the request's `answerLines`; authentication and upstream are not asked, and not told of. */
export function answerPreflight(exchange: Exchange): void {
  exchange.record.status = 204;
  exchange.state.counters.preflights++;
  exchange.downstream.answerOwn(204, "", "");
  exchange.conclude();
}

/**
 * An error page in place of what the upstream says, or said when it was stored. False: the route lets this status through.
 */
export function answerInstead(exchange: Exchange, answer: ResponseHead, nowMs: number): boolean {
  const { request, snapshot } = exchange;
  const route = exchange.route!;
  if (route.intercepted?.has(answer.status) !== true || isGrpc(request)) return false;
  const { head, body } = intercept(answer, snapshot.errorPages, request);
  route.counters.intercepted++;
  dress(exchange, head, route);
  exchange.bind(head);
  exchange.forwarding?.discard();
  exchange.forwarding = undefined;
  exchange.source?.close();
  answerBytes(exchange, head, body, nowMs);
  return true;
}

/** No upstream was asked. */
function answerAtOnce(exchange: Exchange, head: ResponseHead, body: Uint8Array): void {
  const nowMs = exchange.state.clock.nowMs();
  exchange.record.gatedMs = exchange.record.sentMs = nowMs;
  answerBytes(exchange, head, body, nowMs);
}

function answerBytes(exchange: Exchange, head: ResponseHead, body: Uint8Array, nowMs: number): void {
  const source = new BytesSource(exchange, exchange.request.method === HEAD ? NO_BODY : body);
  exchange.source = source;
  beginAnswer(exchange, head, nowMs);
  source.resume();
}

const NO_BODY = new Uint8Array(0);
