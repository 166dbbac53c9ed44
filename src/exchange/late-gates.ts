import type { Exchange } from "../exchange.ts";
import { runAuthGate, runHeadGates, runStrictGate, runStrictIdentityGate } from "../gate/order.ts";
import type { Verdict } from "../gate/verdict.ts";
import type { Route } from "../snapshot.ts";
import { take } from "./late-verdict.ts";
import { answerPreflight } from "./own-answer.ts";

/**
 * The gates that may have to wait, and those behind them, in the order of gate/order.ts. They lead to `send`, or a refusal.
 * What waits has functions of its own: one made between the gates would cost every request an object for its variables.
 */
export function runLateGates(exchange: Exchange, route: Route, isPreflight: boolean): void {
  // Another process decides over some limits, and the exchange waits for it.
  if (route.strictLimits.length > 0) askStrict(exchange, route, isPreflight);
  else admit(exchange, route, isPreflight);
}

function askStrict(exchange: Exchange, route: Route, isPreflight: boolean): void {
  const { limits, watch } = exchange.state;
  const verdict = runStrictGate(exchange.request, route, limits, watch);
  take(exchange, verdict, () => admit(exchange, route, isPreflight));
}

/** Every limit that needs no identity let it through. */
function admit(exchange: Exchange, route: Route, isPreflight: boolean): void {
  if (isPreflight) {
    answerPreflight(exchange);
    return;
  }
  const verdict = runAuthGate(exchange.request, route, exchange.state.watch);
  if (verdict === undefined) enter(exchange, route);
  else awaitIdentity(exchange, verdict, route);
}

function awaitIdentity(exchange: Exchange, verdict: Verdict, route: Route): void {
  take(exchange, verdict, () => enter(exchange, route));
}

/** Whoever it is may come in. */
function enter(exchange: Exchange, route: Route): void {
  const { limits, watch } = exchange.state;
  const refusal = runHeadGates(exchange.request, route, limits, exchange.record.startedMs, watch);
  if (refusal !== undefined) exchange.refuse(refusal);
  else if (route.strictIdentityLimits.length === 0) exchange.send(route);
  else askStrictIdentity(exchange, route);
}

function askStrictIdentity(exchange: Exchange, route: Route): void {
  const { limits, watch } = exchange.state;
  const verdict = runStrictIdentityGate(exchange.request, route, limits, watch);
  take(exchange, verdict, () => exchange.send(route));
}
