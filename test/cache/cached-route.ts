import type { TestContext } from "node:test";
import { type Edge, type EdgeOptions, startEdge } from "../support/edge.ts";
import { type Origin, type OriginRequest, startOrigin } from "../support/origin.ts";
import { ask, field, type RawAnswer } from "../support/raw-client.ts";

/** A gateway with a cached route, and the origin behind it. */
export interface CachedRoute {
  readonly edge: Edge;
  readonly origin: Origin;
  /** GET over a connection of its own. */
  get(path?: string, fields?: Readonly<Record<string, string>>, method?: string): Promise<RawAnswer>;
  config(more?: More): string;
}

interface More {
  readonly profile?: string;
  readonly route?: string;
  readonly server?: string;
  readonly tables?: string;
}

/** What the origin answers: whole bytes, or what to do. `count` is the number of this request, from 1. */
export type Answering = (request: OriginRequest, count: number) => string | undefined;

export async function startCachedRoute(
  t: TestContext,
  answering: Answering,
  more: More = {},
  options: EdgeOptions = {},
): Promise<CachedRoute> {
  let count = 0;
  const origin = await startOrigin({
    script: async (request, { socket }) => {
      await request.body.catch(() => undefined);
      const answer = answering(request, ++count);
      if (answer !== undefined && !socket.destroyed) socket.write(Buffer.from(answer, "latin1"));
    },
  });
  t.after(() => origin.close());
  const config = ({ profile = "", route = "", server = "", tables = "" }: More = more): string => `[server]
http_mode = "serve"
h2c = true
${server}
[upstream.app]
url = "http://127.0.0.1:${origin.port}"
health = { interval_ms = 0 }
[cache_profile.pages]
${profile}
${tables}
[[route]]
path = "/{*rest}"
upstream = "app"
cache_profile = "pages"
waf = false
${route}
`;
  const edge = await startEdge(config(), options);
  t.after(() => edge.stop());
  return {
    edge,
    origin,
    config,
    get: (path = "/", fields = {}, method = "GET") => ask(edge.port, requestText(path, fields, method)),
  };
}

export function requestText(
  path: string,
  fields: Readonly<Record<string, string>> = {},
  method = "GET",
): string {
  const lines = Object.entries({ Host: "a.test", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** What the cache says it did. */
export function did(answer: RawAnswer): string {
  return field(answer, "x-zion-cache") ?? "";
}

/** A 200 with these fields. */
export function page(body: string, ...fields: string[]): string {
  return `HTTP/1.1 200 OK\r\n${fields.map((line) => `${line}\r\n`).join("")}Content-Length: ${body.length}\r\n\r\n${body}`;
}
