/**
 * Which part of a data plane's CPU goes into being observed, by its own profile: `node bench/micro/record/observed.bench.ts`.
 * One process with a gateway's data plane under load by wrk, sampled every 200 us. Shares of one process's time are hardly
 * moved by others on the machine; what the thread pool writes is not in them, see bench/observed.ts for all of it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Session } from "node:inspector/promises";
import { startEdge } from "../../../test/support/edge.ts";

const SECONDS = 6;
/** Functions, with all that they call, by what they are for; the first that fits on the way down counts. */
const parts: readonly (readonly [part: string, functions: RegExp])[] = [
  ["the line, counters and the ring, at the end of an exchange", /^conclude .*data-plane\.ts$/],
  ["handing lines to the thread pool", /^(?:flush|#drain|#writeFrom) .*access-log\.ts$/],
  ["ids and trace context", /^stampIds .*id-lines\.ts$/],
];

const origin = spawn(process.execPath, [
  "-e",
  `require("node:http").createServer((q, s) => s.end("x".repeat(150))).listen(0, "127.0.0.1", function () { console.log(this.address().port) })`,
]);
const [portText] = (await once(origin.stdout, "data")) as [Buffer];
const edge = await startEdge(
  `[server]\nkeepalive_requests = 1000000000\n\n[upstream.app]\nurl = "http://127.0.0.1:${String(portText).trim()}"\n[[route]]\npath = "/{*rest}"\nupstream = "app"\nwaf = false\n`,
);
const load = async (seconds: number): Promise<void> => {
  const url = `http://127.0.0.1:${edge.port}/api/items/42?page=2&sort=price`;
  const agent =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0";
  await once(spawn("wrk", ["-t1", "-c32", `-d${seconds}s`, "-H", agent, url]), "close");
};
await load(2);
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.setSamplingInterval", { interval: 200 });
await session.post("Profiler.start");
await load(SECONDS);
const { profile } = await session.post("Profiler.stop");
await edge.stop();
origin.kill();

const byId = new Map(profile.nodes.map((node) => [node.id, node]));
const spent = new Map<number, number>();
for (const [i, id] of profile.samples!.entries())
  spent.set(id, (spent.get(id) ?? 0) + profile.timeDeltas![i]!);
const nameOf = ({ callFrame }: (typeof profile.nodes)[number]): string =>
  `${callFrame.functionName} ${callFrame.url}`;
let busy = 0;
for (const [id, us] of spent) if (nameOf(byId.get(id)!) !== "(idle) ") busy += us;
const sum = (node: (typeof profile.nodes)[number]): number =>
  (spent.get(node.id) ?? 0) +
  (node.children ?? []).reduce((total, child) => total + sum(byId.get(child)!), 0);
const found = parts.map(() => 0);
const visit = (node: (typeof profile.nodes)[number]): void => {
  const part = parts.findIndex(([, functions]) => functions.test(nameOf(node)));
  if (part >= 0) found[part]! += sum(node);
  else for (const child of node.children ?? []) visit(byId.get(child)!);
};
visit(profile.nodes[0]!);
for (const [i, [part]] of parts.entries()) console.log(`${part}: ${((100 * found[i]!) / busy).toFixed(1)} %`);
const all = found.reduce((total, us) => total + us, 0);
console.log(`together: ${((100 * all) / busy).toFixed(1)} % of ${(busy / 1e6).toFixed(1)} s of CPU`);
process.exit();
