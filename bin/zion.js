#!/usr/bin/env node
// Starts the gateway's command line with the right Node and the hardening flags. This file alone must run on any Node
// that has ES modules: it is what explains to an old one why nothing else does.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const needed = [24, 12];
const packageDir = dirname(dirname(fileURLToPath(import.meta.url)));

if (isOld(process.versions.node)) runByPinnedNode();
else await becomeGateway();

function isOld(version) {
  const [major, minor] = version.split(".").map(Number);
  return major < needed[0] || (major === needed[0] && minor < needed[1]);
}

/** A clone brings its Node along (tools/node-runtime). */
function runByPinnedNode() {
  const pinned = join(packageDir, "node_modules", ".bin", "node");
  if (!existsSync(pinned) || process.env.ZION_LAUNCHED === "1") {
    process.stderr.write(
      "zion needs Node.js " +
        needed.join(".") +
        " or newer; this is " +
        process.version +
        ".\n" +
        "In a clone, `npm install` brings the right one along.\n",
    );
    process.exit(70);
  }
  const environment = Object.assign({}, process.env, { ZION_LAUNCHED: "1" });
  const args = [fileURLToPath(import.meta.url)].concat(process.argv.slice(2));
  const child = spawn(pinned, args, { stdio: "inherit", env: environment });
  // Ctrl-C reaches the child by itself; a signal sent to this process alone does not. The gateway takes two at once
  // for one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGQUIT"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    process.stderr.write(`zion: cannot run ${pinned}: ${error.message}\n`);
    process.exit(70);
  });
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

/** Replaces this process, so that signals, exit codes and the process id are the gateway's own. */
async function becomeGateway() {
  // A clone runs its sources, a package what was built from them. ZION_BUILT=1 asks for the built form in a clone:
  // it holds 30 MB less in each process, because nothing strips types.
  const built = process.env.ZION_BUILT === "1" || !existsSync(join(packageDir, "src", "main.ts"));
  const main = built ? join(packageDir, "dist", "main.js") : join(packageDir, "src", "main.ts");
  const flagsFile = built ? join("dist", "control", "flags.js") : join("src", "control", "flags.ts");
  const flags = await import(pathToFileURL(join(packageDir, flagsFile)).href);
  const args = process.argv.slice(2);
  const environment = flags.primaryEnvironment(process.env);
  delete environment.ZION_LAUNCHED;
  process.execve(
    process.execPath,
    [process.execPath, ...flags.primaryFlags(...args), main, ...args],
    environment,
  );
}
