import { COMMON_METHODS, methodNames, TRACE } from "../http/request.ts";

/** One route as configured. */
export interface RouteEntry<T> extends RouteMatch {
  readonly value: T;
}

/** What a route matches. */
export interface RouteMatch {
  /** Lower-case exact names and `*.suffix`; undefined = any host. */
  readonly hosts?: readonly string[] | undefined;
  readonly path: string;
  /** Upper-case names of methods; undefined = the seven common ones. GET implies HEAD. */
  readonly methods?: readonly string[] | undefined;
}

/** Method ids below this are served; TRACE and CONNECT never have a route. */
export const SERVED_METHODS = TRACE;

/** Stands for "any host" among the keys of `hostKeys`. */
export const ANY_HOST = "";

/** The hosts a route is entered under, each once. */
export function hostKeys(route: RouteMatch): readonly string[] {
  return route.hosts === undefined ? [ANY_HOST] : [...new Set(route.hosts)];
}

/** Bits `1 << id` of the methods a route names; names that are not served are passed over. */
export function methodBits(route: RouteMatch): number {
  if (route.methods === undefined) return (1 << COMMON_METHODS) - 1;
  let bits = 0;
  for (let method = 0; method < SERVED_METHODS; method++) {
    if (route.methods.includes(methodNames[method]!)) bits |= 1 << method;
  }
  return bits;
}
