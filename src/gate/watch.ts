import type { Verdict } from "./verdict.ts";

/** Hears what each gate says about a request, in their order: `zion explain` does. Nobody listens while serving. */
export interface GateWatch {
  /** Said before the next gate is asked; a promise where it has to wait. */
  onGate(gate: GateName, verdict: Verdict): void;
}

/** Stable: they stand in explanations that programs read. */
export type GateName =
  | "client_certificate"
  | "identity_fields"
  | "loop"
  | "lists"
  | "origin_class"
  | "ban"
  | "mesh_score"
  | "limits"
  | "in_flight_address"
  | "misdirected"
  | "encoded_slash"
  | "route_lists"
  | "route_limits"
  | "in_flight_route"
  | "internal_only"
  | "cors"
  | "cross_site"
  | "strict_limits"
  | "route_certificate"
  | "auth"
  | "identity_limits"
  | "upgrade"
  | "strict_identity_limits"
  | "body_limit";

/** Passes on what the gate says. One comparison while nobody listens. */
export function heard<V extends Verdict>(watch: GateWatch | undefined, gate: GateName, verdict: V): V {
  if (watch !== undefined) watch.onGate(gate, verdict);
  return verdict;
}
