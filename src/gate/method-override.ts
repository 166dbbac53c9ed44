import { F } from "../http/field.ts";
import { methodId } from "../http/method.ts";
import {
  type CanonicalRequest,
  FIELD_SLOTS,
  FORWARD,
  POST,
  VALUE_END,
  VALUE_START,
} from "../http/request.ts";

/** Who takes which method. Met by route/table.ts. */
export interface MethodRoutes<T> {
  find(host: string, path: string, method: number): T | undefined;
}

const OVERRIDES: readonly number[] = [F.xHttpMethodOverride, F.xHttpMethod, F.xMethodOverride];

/**
 * Gives a POST back what says that another method is meant, where a request with that method would take the same route:
 * then it could as well have come by itself. WordPress's editor, SharePoint and Icinga send it so; taken away, a DELETE is
 * an update. With any other method, or where another route or none would take it, it stays removed: it is not the method
 * that was routed. How many were given back.
 */
export function restoreMethodOverride<T>(
  request: CanonicalRequest,
  route: T,
  host: string,
  path: string,
  routes: MethodRoutes<T>,
): number {
  if (request.method !== POST) return 0;
  let restored = 0;
  for (const id of OVERRIDES) {
    const index = request.firstField[id]!;
    if (index < 0) continue;
    const slot = index * FIELD_SLOTS;
    const { fields } = request;
    const method = methodId(request.arena, fields[slot + VALUE_START]!, fields[slot + VALUE_END]!);
    if (method < 0 || routes.find(host, path, method) !== route) continue;
    fields[slot + FORWARD] = 1;
    restored++;
  }
  request.scrubbed -= restored;
  return restored;
}
