import net from "node:net";
import type { TestContext } from "node:test";
import { type Edge, type EdgeOptions, startEdge } from "../support/edge.ts";
import { type Origin, type Script, startOrigin } from "../support/origin.ts";

/** One origin behind one gateway; both end with the test. */
export interface Bench {
  readonly origin: Origin;
  readonly edge: Edge;
}

export interface BenchOptions extends EdgeOptions {
  /** Lines of `[server]` beside `http_mode = "serve"`. */
  readonly server?: string;
  /** Lines of `[upstream.app]` beside its url. */
  readonly upstream?: string;
  /** Lines of the one `[[route]]`. */
  readonly route?: string;
  /** Whether the route is inspected. Default false: most of these tests are about bytes on their way. */
  readonly waf?: boolean;
  /** Lines after the route: profiles, exclusions. */
  readonly tables?: string;
  /** The plain listener redirects. Needs `tlsNames`. */
  readonly redirect?: boolean;
  readonly script?: Script;
  readonly keepBodies?: boolean;
}

export async function startBench(t: TestContext, options: BenchOptions = {}): Promise<Bench> {
  const { script, keepBodies } = options;
  const origin = await startOrigin({
    ...(script === undefined ? {} : { script }),
    ...(keepBodies === undefined ? {} : { keepBodies }),
  });
  t.after(() => origin.close());
  const edge = await startEdge(benchConfig(origin.port, options), options);
  t.after(() => edge.stop());
  return { origin, edge };
}

export function benchConfig(originPort: number, options: BenchOptions = {}): string {
  return `
[server]
http_mode = "${options.redirect === true ? "redirect" : "serve"}"
${options.server ?? ""}

[upstream.app]
url = "http://127.0.0.1:${originPort}"
${options.upstream ?? ""}

[[route]]
path = "/{*rest}"
upstream = "app"
${options.waf === true ? "" : "waf = false"}
${options.route ?? ""}
${options.tables ?? ""}
`;
}

/** Sends bytes on a new connection; resolves with everything that came back until it closed. */
export function askRaw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(request, "latin1"));
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}
