import http from "node:http";
import type { SocketAddress } from "../config/config.ts";
import { unavailable } from "./admin-client.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

/** For probes of containers, which kill after their own time. */
const answerWithinMs = 5000;

/** `zion healthcheck`: whether the gateway of this configuration is ready. Resolves with the exit code. */
export async function healthcheckCommand(config: string | undefined, output: Output): Promise<number> {
  const loaded = loadConfig(config);
  if (loaded.kind !== "loaded")
    return unavailable(
      loaded.kind === "unreadable" ? loaded.message : "the configuration is refused: see zion check",
      output,
    );
  const { listen } = loaded.config.telemetry;
  if (listen === undefined) return unavailable("the telemetry listener is off", output);
  try {
    const { status, body } = await ask(listen);
    output.out.write(`${body.trimEnd()}\n`);
    return status === 200 ? exitCodes.ok : exitCodes.no;
  } catch (error) {
    return unavailable(`the gateway does not answer: ${String(error)}`, output);
  }
}

function ask({ host, port }: SocketAddress): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: reachable(host), port, path: "/readyz", agent: false, timeout: answerWithinMs },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          body += part;
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject);
  });
}

/** Nobody can connect to "every address". */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
