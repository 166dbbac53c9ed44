import type { Exchange } from "../exchange.ts";
import type { LateVerdict, Verdict } from "../gate/verdict.ts";

/** Goes on with `next` when a gate has nothing against it, which it may have to find out. Else the exchange is refused. */
export function take(exchange: Exchange, verdict: Verdict, next: () => void): void {
  if (verdict instanceof Promise) wait(exchange, verdict, next);
  else if (verdict === undefined) next();
  else exchange.refuse(verdict);
}

/** The request is only touched while the exchange lives: afterwards it is another one's. */
function wait(exchange: Exchange, pending: Promise<LateVerdict>, next: () => void): void {
  pending
    .then((verdict) => {
      if (!exchange.concluded) take(exchange, verdict(), next);
    })
    .catch((cause: unknown) => {
      if (!exchange.concluded) exchange.onDefect(cause);
    });
}
