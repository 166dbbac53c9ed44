import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { suiteCases } from "../../test/cache/suite.cases.ts";
import { runSuiteCase, suiteOrigin } from "../../test/cache/suite-run.ts";
import { startOrigin } from "../../test/support/origin.ts";
import { freePort, startPinned } from "../load/process.ts";
import { type CacheProduct, cacheProducts } from "./caches.ts";
import type { CacheLine } from "./found.ts";
import type { Ground } from "./ground.ts";

/**
 * What a shared cache must do, asked of all that store answers: the cases of test/cache that the specifications require,
 * judged by what the origin saw. Not asked are rules that only this gateway's cache has.
 */
export async function probeCaches(ground: Ground): Promise<readonly CacheLine[]> {
  const lines: CacheLine[] = [];
  for (const product of cacheProducts) {
    if (!product.isInstalled()) {
      ground.leaveOut(`${product.name}: not installed`);
      continue;
    }
    try {
      const line = await probeCache(ground, product);
      ground.say(
        `${product.name}: ${line.right} of ${line.required} right, ${line.reused.length} reused, ${line.refetched.length} fetched again, ${line.changed.length} changed`,
      );
      if (product.name === "zion")
        for (const text of [...line.reused, ...line.refetched, ...line.changed]) ground.say(`  ${text}`);
      lines.push(line);
    } catch (error) {
      ground.leaveOut(`${product.name}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  return lines;
}

async function probeCache({ around, cpu }: Ground, product: CacheProduct): Promise<CacheLine> {
  const directory = join(around.directory, `cache-${product.name}`);
  mkdirSync(directory);
  // Apache serves as another account.
  chmodSync(around.directory, 0o711);
  chmodSync(directory, 0o777);
  const origin = suiteOrigin();
  const server = await startOrigin({
    script: async (request, { socket }) => {
      await request.body.catch(() => undefined);
      if (!socket.destroyed) socket.write(Buffer.from(origin.answer(request), "latin1"));
    },
  });
  const port = await freePort();
  const running = startPinned(
    cpu,
    await product.command(directory, port, server.port),
    join(directory, "output"),
  );
  try {
    await running.listening(port);
    return await judgeCache(product.name, port, origin);
  } finally {
    await running.stop();
    await server.close();
  }
}

/** All required cases at the cache on `port`, whose origin is `origin`. */
export async function judgeCache(
  candidate: string,
  port: number,
  origin: Parameters<typeof runSuiteCase>[2],
): Promise<CacheLine> {
  const reused: string[] = [];
  const refetched: string[] = [];
  const changed: string[] = [];
  const judge = async (index: number): Promise<void> => {
    const one = suiteCases[index]!;
    const title = `${one.group}: ${one.title}`;
    try {
      const { did, wrong } = await runSuiteCase(port, index, origin);
      // A whole new answer is as good as one that was asked after.
      if (wrong === undefined || (one.expect === "validated" && did === "miss")) return;
      // Where the origin fails, what is wrong is that its failure is not told.
      if (one.expect !== "hit" && (did === "hit" || one.fails !== undefined)) reused.push(title);
      else if (one.expect === "hit" && did !== "hit") refetched.push(title);
      else changed.push(`${title}: ${wrong}`);
    } catch (error) {
      changed.push(`${title}: ${(error as Error).message}`);
    }
  };
  const asked = [...suiteCases.keys()].filter(
    (index) => suiteCases[index]!.required && suiteCases[index]!.own !== true,
  );
  for (let at = 0; at < asked.length; at += 16) await Promise.all(asked.slice(at, at + 16).map(judge));
  const required = asked.length;
  const right = required - reused.length - refetched.length - changed.length;
  return { candidate, required, right, reused, refetched, changed };
}
