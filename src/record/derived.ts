import { allReasons, type Reason, reasons } from "../reason.ts";
import { families, type MetricSample } from "./metrics.ts";

/** What the figures below are taken from. Met by counters.ts `Counters`. */
interface Counted {
  readonly rejects: Float64Array;
  /** `result\nversion` to handshakes. */
  readonly handshakes: ReadonlyMap<string, number>;
}

/** Reasons of the gate that asks who somebody is. */
const authReasons = allReasons.filter(({ code }) => /^(?:auth_|token_|api_key$|password)/.test(code));

/** Time-outs by what was waited for. */
const timeouts: Readonly<Record<string, Reason>> = {
  tls_handshake: reasons.tlsTimeout,
  request_head: reasons.headTimeout,
  request_body: reasons.bodyTimeout,
  write: reasons.writeTimeout,
  idle: reasons.idleTimeout,
  upstream_connect: reasons.upstreamConnectTimeout,
  upstream_head: reasons.upstreamTimeout,
  upstream_idle: reasons.upstreamIdle,
  upstream_total: reasons.upstreamTotal,
};

export const authReasonCodes: readonly string[] = authReasons.map(({ code }) => code);
export const timeoutNames: readonly string[] = Object.keys(timeouts);

/** Figures with a name of their own that are in others already: for alerts, which should not have to know the reasons. */
export function derivedSamples({ rejects, handshakes }: Counted): MetricSample[] {
  const samples: MetricSample[] = [];
  const add = (name: string, labels: readonly string[], value: number): void => {
    if (value !== 0) samples.push({ name, labels, value });
  };
  for (const { code, index } of authReasons) add(families.authFailures.name, [code], rejects[index]!);
  for (const [op, { index }] of Object.entries(timeouts))
    add(families.ioTimeouts.name, [op], rejects[index]!);
  const limited = rejects[reasons.handshakeRate.index]!;
  let attempts = limited;
  for (const [key, count] of handshakes) {
    const result = key.slice(0, key.indexOf("\n"));
    attempts += count;
    if (result !== "ok") add(families.handshakeFailures.name, [result], count);
  }
  add(families.handshakeAttempts.name, [], attempts);
  add(families.handshakesLimited.name, [], limited);
  return samples;
}
