import type { Ran } from "./transcript.ts";

// Forked by tests: runs command lines one after the other, which saves each of them the start of a process. Processes that
// they start are of the same form, and in the built one have no types to strip.
const program = process.env["ZION_BUILT"] === "1" ? "../../dist/cli/program.js" : "../../src/cli/program.ts";
const { runCommandLine } = (await import(program)) as typeof import("../../src/cli/program.ts");

process.once("message", async (lines: readonly (readonly string[])[]) => {
  const results: Ran[] = [];
  for (const args of lines) results.push(await run(args));
  process.send!(results, () => process.exit(0));
});

async function run(args: readonly string[]): Promise<Ran> {
  let out = "";
  let err = "";
  process.stdout.write = (part: string | Uint8Array) => {
    out += String(part);
    return true;
  };
  process.stderr.write = (part: string | Uint8Array) => {
    err += String(part);
    return true;
  };
  const code = await runCommandLine(args);
  return { code, out, err };
}
