import net from "node:net";
import { resolve } from "node:path";
import { renderDiagnostics } from "../config/render.ts";
import { readLines, writeLine } from "../control/control-line.ts";
import { primaryFlags } from "../control/flags.ts";
import { controlSocketPath } from "../control/state-lock.ts";
import { exitCodes } from "./exit-code.ts";
import { loadConfig } from "./load.ts";
import type { Output } from "./output.ts";

/**
 * `zion upgrade`, run from the new version: the gateway that runs with this configuration starts this version beside
 * itself, and leaves when it serves. Resolves with the exit code.
 */
export async function upgradeCommand(
  options: { readonly config: string | undefined },
  output: Output,
): Promise<number> {
  const loaded = loadConfig(options.config);
  if (loaded.kind === "unreadable") {
    output.err.write(`${loaded.message}\n`);
    return exitCodes.unavailable;
  }
  if (loaded.kind === "refused") {
    output.err.write(renderDiagnostics(loaded.diagnostics, loaded.text, { color: output.err.color }));
    return exitCodes.no;
  }
  const { stateDir } = loaded.config.server;
  if (stateDir === undefined) {
    output.err.write("zion upgrade: set `state_dir` in [server]: the two versions meet there\n");
    return exitCodes.unavailable;
  }
  const [main = ""] = process.argv.slice(1);
  const command = [process.execPath, ...primaryFlags("run"), main, "run", "-c", resolve(loaded.file)];
  return askFor(command, controlSocketPath(stateDir), output);
}

function askFor(command: readonly string[], path: string, output: Output): Promise<number> {
  const socket = net.connect(path);
  return new Promise((done) => {
    const end = (exitCode: number, text: string) => {
      (exitCode === exitCodes.ok ? output.out : output.err).write(`${text}\n`);
      socket.destroy();
      done(exitCode);
    };
    socket.on("error", (error) =>
      end(exitCodes.unavailable, `zion upgrade: no gateway at ${path}: ${error.message}`),
    );
    socket.on("close", () => done(exitCodes.unavailable));
    readLines(socket, ({ type, pid, problem }) => {
      if (type === "started") output.out.write(`started process ${String(pid)}\n`);
      else if (type === "upgraded") end(exitCodes.ok, `process ${String(pid)} serves; the old one drains`);
      else end(exitCodes.no, `not upgraded: ${String(problem)}; the old version goes on`);
    });
    writeLine(socket, { type: "upgrade", command });
  });
}
