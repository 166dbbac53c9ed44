import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Copy, DockerfileParser, type From, type Instruction } from "dockerfile-ast";

/** What a Dockerfile says, and its steps carried out in plain directories, where there is no engine to build it. */
export interface Dockerfile {
  readonly stages: readonly Stage[];
}

export interface Stage {
  readonly name: string;
  /** `node:24-slim`, another stage, or `scratch`; `ARG`s are filled in. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly steps: readonly Step[];
}

export interface Step {
  /** COPY, RUN, … */
  readonly keyword: string;
  /** `--from=build` as from: build. */
  readonly flags: ReadonlyMap<string, string>;
  /** As written, without flags. */
  readonly rest: string;
  /** The elements of the exec form, or what spaces part. */
  readonly words: readonly string[];
}

export function parseDockerfile(text: string): Dockerfile {
  const parsed = DockerfileParser.parse(text);
  const presets = new Map(
    parsed.getInitialARGs().map((arg) => [arg.getProperty()!.getName(), arg.getProperty()!.getValue()!]),
  );
  const stages: { name: string; base: string; platform: string | undefined; steps: Step[] }[] = [];
  for (const instruction of parsed.getInstructions()) {
    if (instruction.getKeyword() === "FROM") {
      const from = instruction as From;
      const image = from.getImage()!;
      const base = image.replace(/^\$\{(\w+)\}$/, (_, name: string) => presets.get(name) ?? "");
      const platform = from.getPlatformFlag()?.getValue() ?? undefined;
      stages.push({ name: from.getBuildStage() ?? "", base, platform, steps: [] });
    } else stages.at(-1)?.steps.push(stepOf(instruction));
  }
  return { stages };
}

function stepOf(instruction: Instruction): Step {
  const flags = new Map(
    ("getFlags" in instruction ? (instruction as Copy).getFlags() : []).map((flag) => [
      flag.getName(),
      flag.getValue() ?? "",
    ]),
  );
  const rest = (instruction.getArgumentsContent() ?? "").replace(/^(?:--\S+\s+)+/, "");
  const words = rest.startsWith("[") ? (JSON.parse(rest) as string[]) : rest.trim().split(/\s+/);
  return { keyword: instruction.getKeyword(), flags, rest, words };
}

/**
 * Carries the steps out below `place`, each stage in a directory of its own as if that were its root; `context` is what
 * `.dockerignore` leaves of the repository. Programs are this machine's. Returns the root of the last stage.
 * @param instead Words of a RUN that is done another way, and that way, with the directory it happens in.
 */
export function carryOut(
  file: Dockerfile,
  context: string,
  place: string,
  env: NodeJS.ProcessEnv,
  instead: ReadonlyMap<string, (directory: string) => void> = new Map(),
): string {
  const allowed = allowedNames(readFileSync(join(context, ".dockerignore"), "utf8"));
  let root = "";
  for (const { name, steps } of file.stages) {
    root = join(place, name === "" ? "image" : name);
    let workdir = root;
    mkdirSync(root, { recursive: true });
    for (const step of steps) {
      if (step.keyword === "WORKDIR") {
        workdir = join(root, step.rest);
        mkdirSync(workdir, { recursive: true });
      } else if (step.keyword === "RUN") {
        const another = instead.get(step.words.join(" "));
        if (another !== undefined) another(workdir);
        else run(step.words, workdir, env);
      } else if (step.keyword === "COPY") {
        const stage = step.flags.get("from");
        for (const source of step.words.slice(0, -1)) {
          if (stage === undefined && !allowed(source)) throw new Error(`${source} is not in the context`);
          const from = join(stage === undefined ? context : join(place, stage), source);
          const to = step.words.at(-1)!;
          copy(from, join(to.startsWith("/") ? root : workdir, to), step.flags.get("chown"));
        }
      }
    }
  }
  return root;
}

function run(words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): void {
  const { status, stdout, stderr } = spawnSync(words[0]!, words.slice(1), { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}: ${stdout}${stderr}`);
}

/** A directory's contents go into the destination; a file becomes it, or goes into it where it is a directory. */
function copy(from: string, to: string, owner = "0:0"): void {
  const isDirectory = lstatSync(from).isDirectory();
  const pairs: readonly (readonly [string, string])[] = isDirectory
    ? readdirSync(from).map((name) => [join(from, name), join(to, name)])
    : [[from, to.endsWith("/") || existsSync(to) ? join(to, basename(from)) : to]];
  for (const [source, target] of pairs) {
    cpSync(source, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    if (process.getuid?.() === 0) execFileSync("chown", ["-hR", owner, target]);
  }
}

/** Of a `.dockerignore` that refuses everything and then names what it lets through. */
export function allowedNames(text: string): (path: string) => boolean {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*" || !lines.slice(1).every((line) => line.startsWith("!")))
    throw new Error("a .dockerignore of another form");
  const names = lines.slice(1).map((line) => line.slice(1));
  return (path) => names.some((name) => `${path}/`.startsWith(`${name}/`));
}
