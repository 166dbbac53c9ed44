import type { Exchange } from "../exchange.ts";
import { BodyScreen } from "../gate/body-screen.ts";
import { inspectTrailers } from "../gate/trailer-screen.ts";
import type { RouteWaf } from "../gate/waf-settings.ts";
import { type WafVerdict, wafReasons } from "../gate/waf-verdict.ts";
import { BODY_LENGTH, BODY_NONE } from "../http/request.ts";
import type { Trailers } from "../http/trailer.ts";
import type { Route } from "../snapshot.ts";
import type { Inspector } from "../waf/inspector.ts";

/**
 * The WAF looks at the head now; at a body of a size that may come, as it comes. False: refused, or the body comes first,
 * and `onBodyCleared` goes on.
 */
export function inspectRequest(exchange: Exchange, waf: RouteWaf, route: Route): boolean {
  const { request } = exchange;
  const engine = exchange.state.waf;
  const inspector = engine.begin(waf, route.name);
  const verdict = engine.inspectHead(request, waf, inspector);
  const isRefused = judge(exchange, verdict, inspector) || !exchange.admitBody(route);
  const hasBody =
    request.bodyKind !== BODY_NONE && (request.bodyKind !== BODY_LENGTH || request.bodyLength > 0);
  // After a shadow's verdict nothing more is looked at.
  if (isRefused || verdict.refused || !hasBody) {
    engine.give(inspector);
    return !isRefused;
  }
  const screen = new BodyScreen(exchange, engine, request, waf, inspector);
  exchange.screen = screen;
  if (screen.start()) exchange.startBody();
  return false;
}

/** The head alone, where nobody reads a body. False: refused. */
export function inspectHead(exchange: Exchange, waf: RouteWaf, route: Route): boolean {
  const engine = exchange.state.waf;
  const inspector = engine.begin(waf, route.name);
  const isRefused = judge(exchange, engine.inspectHead(exchange.request, waf, inspector), inspector);
  engine.give(inspector);
  return !isRefused;
}

/** What came behind the body. False: refused. */
export function inspectTail(exchange: Exchange, waf: RouteWaf, route: Route, trailers: Trailers): boolean {
  const engine = exchange.state.waf;
  const inspector = engine.begin(waf, route.name);
  const isRefused = judge(exchange, inspectTrailers(trailers, waf, inspector), inspector);
  engine.give(inspector);
  return !isRefused;
}

/** True: the exchange ended with the verdict. */
export function judge(exchange: Exchange, verdict: WafVerdict, inspector: Inspector): boolean {
  const { shadow } = exchange.route!.waf!;
  if (!exchange.record.noteVerdict(verdict, inspector, shadow)) return false;
  exchange.fail(wafReasons[verdict.gate]);
  return true;
}
