import { parseArgs } from "node:util";
import { type CandidateName, candidateNames } from "./candidate.ts";
import { isNodeProxy } from "./node-proxy.ts";
import { type ScenarioName, scenarios } from "./scenarios.ts";

/** What a run does. Everything in it is bounded, so a run always ends. */
export interface Options {
  readonly scenarios: readonly ScenarioName[];
  readonly candidates: readonly CandidateName[];
  /** Access log states to measure: `[true]`, `[false]` or both. */
  readonly logs: readonly boolean[];
  readonly rounds: number;
  /** Length of one measured window, seconds. */
  readonly seconds: number;
  /** V8 compiles for some 8 s of load: what the slowest requests wait before that is another figure than after it. */
  readonly warmUpSeconds: number;
  /** Idle connections held for the memory figure. */
  readonly idleConnections: number;
  /** Write `bench/results`. Only a full run does so unasked: a partial table must not replace a whole one. */
  readonly save: boolean;
  readonly quick: boolean;
  /** Another checkout, measured beside this one; undefined = none. */
  readonly before: string | undefined;
}

/** Reads the arguments after `npm run bench --`; a text is a mistake to print. */
export function parseOptions(args: readonly string[]): Options | "help" | string {
  let values: ReturnType<typeof read>;
  try {
    values = read(args);
  } catch (error) {
    return (error as Error).message;
  }
  if (values.help === true) return "help";

  const names = Object.keys(scenarios) as ScenarioName[];
  const wafNames = names.filter((name) => name.startsWith("waf-")).join(",");
  const only = list(values.only?.replace(/(?<=^|,)waf(?=,|$)/, wafNames), names, "scenario");
  if (typeof only === "string") return only;
  const candidates = list(values.candidates, candidateNames, "candidate", usualCandidates);
  if (typeof candidates === "string") return candidates;
  const quick = values.quick === true;
  const log = values.log ?? (quick ? "on" : "both");
  if (!["on", "off", "both"].includes(log)) return `--log takes on, off or both, not "${log}"`;
  const rounds = count("rounds", values.rounds, quick ? 2 : 7, 50);
  if (typeof rounds === "string") return rounds;
  const seconds = count("seconds", values.seconds, quick ? 1 : 4, 60);
  if (typeof seconds === "string") return seconds;
  const warmUpSeconds = count("warm-up", values["warm-up"], quick ? 1 : 3, 60);
  if (typeof warmUpSeconds === "string") return warmUpSeconds;

  const whole = !quick && values.only === undefined && values.candidates === undefined && log === "both";
  return {
    scenarios: only,
    candidates,
    logs: log === "both" ? [true, false] : [log === "on"],
    rounds,
    seconds,
    warmUpSeconds,
    idleConnections: quick ? 500 : 2000,
    save: values.save === true || (whole && rounds >= 5),
    quick,
    before: values.before,
  };
}

/** Caddy and proxies from npm take three times as long and change no bar: `npm run prove` has them. */
const usualCandidates = candidateNames.filter((name) => name !== "caddy" && !isNodeProxy(name));

export const usage = `npm run bench -- [options]
  --quick             2 rounds of 1 s, access log on only; prints, does not save
  --only a,b          scenarios: ${Object.keys(scenarios).join(", ")}
                      --only waf = all whose name begins with waf
  --candidates a,b    ${candidateNames.join(", ")};
                      default: ${usualCandidates.join(", ")}
  --log on|off|both   access log states to measure (default both)
  --rounds N          default 7     --seconds N   length of a window, default 4
  --warm-up N         seconds of load before the first window of each, default 3
  --before DIR        measure the gateway of another checkout as well, as "before"
  --save              write bench/results for a partial or quick run too`;

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean" },
      only: { type: "string" },
      candidates: { type: "string" },
      log: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      "warm-up": { type: "string" },
      save: { type: "boolean" },
      before: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  }).values;
}

function list<T extends string>(
  text: string | undefined,
  known: readonly T[],
  what: string,
  preset = known,
): readonly T[] | string {
  if (text === undefined) return preset;
  const wanted = text.split(",").filter((one) => one !== "");
  for (const one of wanted) {
    if (!known.includes(one as T)) return `unknown ${what} "${one}"; known: ${known.join(", ")}`;
  }
  // In table order, so that the same choice always runs the same way.
  return known.filter((one) => wanted.includes(one));
}

function count(name: string, text: string | undefined, preset: number, max: number): number | string {
  if (text === undefined) return preset;
  const value = Number(text);
  return Number.isInteger(value) && value >= 1 && value <= max
    ? value
    : `--${name} takes a whole number from 1 to ${max}`;
}
