import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { newDirectory } from "../support/directory.ts";
import { startGateway } from "../support/gateway.ts";

const run = promisify(execFile);
const MIB = 1024 * 1024;

function folder(): string {
  const path = newDirectory("www");
  return path;
}

function route(path: string, directory: string): string {
  return `[[route]]
path = "${path}/{*rest}"
mode = "static"
serve_dir = ${JSON.stringify(directory)}
${path === "" ? "" : `[route.rewrite]\nstrip_prefix = "${path}"`}
`;
}

/** Words of the command line that a process was started with. */
function commandOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean);
}

/** Bytes that curl got, and the status. */
async function curl(
  ...args: readonly string[]
): Promise<{ readonly status: string; readonly bytes: number }> {
  const { stdout } = await run("curl", [
    "-sS",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code} %{size_download}",
    ...args,
  ]);
  const [status = "", bytes = ""] = stdout.split(" ");
  return { status, bytes: Number(bytes) };
}

test("real workers serve files over HTTP/1.1 and HTTP/2, and may read nothing else", async (t) => {
  const root = folder();
  writeFileSync(join(root, "a.txt"), "hello");
  const gateway = await startGateway(t, `[server]\nworkers = 2\nhttp_mode = "serve"\n${route("", root)}`, {
    tls: true,
  });
  const tls = ["--cacert", gateway.certificatePath];
  const secure = `https://localhost:${gateway.tlsPort}`;
  for (const version of ["--http1.1", "--http2"])
    for (const range of ["0-4", "1-2", "0-0,4-4"]) {
      const answer = await curl(version, ...tls, "-r", range, `${secure}/a.txt`);
      assert.equal(answer.status, "206");
      assert.ok(answer.bytes >= 2);
    }
  assert.deepEqual(await curl("--http2", ...tls, `${secure}/a.txt`), { status: "200", bytes: 5 });
  assert.equal((await curl("--http2", ...tls, `${secure}/none`)).status, "404");
  for (const worker of gateway.workers())
    assert.ok(commandOf(worker).includes(`--allow-fs-read=${root}`), "the worker may read the directory");
});

test("a directory that a reload adds is served by new workers, which may read it", async (t) => {
  const [one, other] = [folder(), folder()];
  writeFileSync(join(one, "a.txt"), "one");
  writeFileSync(join(other, "a.txt"), "other");
  const gateway = await startGateway(t, `[server]\nworkers = 2\nhttp_mode = "serve"\n${route("/one", one)}`);
  const config = commandOf(gateway.pid).at(-1)!;
  appendFileSync(config, route("/other", other));
  gateway.signal("SIGHUP");
  const url = `http://127.0.0.1:${gateway.port}`;
  const until = Date.now() + 30_000;
  let status = "";
  while (status !== "200" && Date.now() < until) ({ status } = await curl(`${url}/other/a.txt`));
  assert.equal(status, "200");
  assert.deepEqual(await curl(`${url}/one/a.txt`), { status: "200", bytes: 3 });
});

test("a gibibyte passes, over both protocols, and memory stays as it is", async (t) => {
  const root = folder();
  const size = (process.env["ZION_FULL"] === undefined ? 256 : 1024) * MIB;
  writeFileSync(join(root, "big.bin"), "");
  truncateSync(join(root, "big.bin"), size);
  const gateway = await startGateway(t, `[server]\nworkers = 1\nhttp_mode = "serve"\n${route("", root)}`, {
    tls: true,
  });
  const secure = `https://localhost:${gateway.tlsPort}/big.bin`;
  const tls = ["--cacert", gateway.certificatePath];
  const plain = `http://127.0.0.1:${gateway.port}/big.bin`;
  const worker = gateway.workers()[0]!;
  await curl("-r", "0-999999", plain);
  await curl("--http2", ...tls, "-r", "0-999999", secure);
  const before = gateway.rss(worker);
  assert.deepEqual(await curl(plain), { status: "200", bytes: size });
  assert.deepEqual(await curl("--http2", ...tls, secure), { status: "200", bytes: size });
  const grown = gateway.rss(worker) - before;
  assert.ok(grown < 64 * MIB, `${Math.round(grown / MIB)} MiB more`);
});
