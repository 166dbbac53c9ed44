import type { RouteConfig } from "../config/config.ts";
import { COMMON_METHODS, methodNames } from "../http/request.ts";
import { buildRouteTable } from "../route/table.ts";
import type { View } from "./steps.ts";

/**
 * Other routes that this request would have reached, were it not for the one it did; where it reached none, those that
 * serve its path for another host or method. Asked of route tables with one route each: the table's own reading.
 */
export function rivalsOf({ request, route, config }: View): string[] {
  const host = request.hostText();
  const path = request.routePathText();
  const others = config.routes.filter(({ name }) => name !== route?.name).slice(0, LOOKED_AT_MAX);
  const fits = (one: RouteConfig, anyHost: boolean, anyMethod: boolean): boolean => {
    const table = buildRouteTable([
      {
        path: one.path,
        ...(one.hosts === undefined || anyHost ? {} : { hosts: one.hosts }),
        ...(one.methods === undefined || anyMethod ? {} : { methods: one.methods }),
        value: one,
      },
    ]);
    return table.find(host, path, request.method) !== undefined;
  };
  if (route !== undefined)
    return others
      .filter((one) => fits(one, false, false))
      .slice(0, SHOWN_MAX)
      .map(({ name }) => name);
  return others
    .filter((one) => fits(one, true, true))
    .slice(0, SHOWN_MAX)
    .map((one) => `${one.name} (${whyNot(one, fits)})`);

  function whyNot(one: RouteConfig, fit: typeof fits): string {
    if (!fit(one, false, true)) return `hosts ${(one.hosts ?? []).join(", ")}`;
    return `methods ${(one.methods ?? methodNames.slice(0, COMMON_METHODS)).join(", ")}`;
  }
}

/** Each costs a table of its own. */
const LOOKED_AT_MAX = 2000;
const SHOWN_MAX = 5;
