import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { childrenOf, isRunning, request, startUpstream, until } from "../control/gateway.ts";
import { hasCommand, needs } from "../support/shared.ts";
import { type Container, startContainer } from "./container.ts";
import { carryOut, parseDockerfile } from "./dockerfile.ts";
import { find, needsHelm, objectsOf } from "./helm.ts";
import { podVolumes } from "./pod-volumes.ts";

// There is no engine on the machines that test this: the Dockerfile's steps are carried out in directories, and what
// they make is run as a runtime would, by namespaces, with the volumes that a pod of the chart has.

const repository = resolve(import.meta.dirname, "../..");
const user = 65532;

/** The file system that the Dockerfile makes, and where its stages lie; built once for all tests. */
const built = build();

function build(): { readonly place: string; readonly image: string } {
  const place = mkdtempSync(join(tmpdir(), "zion-image-"));
  process.on("exit", () => rmSync(place, { recursive: true, force: true }));
  // Nothing but the pinned Node under the name `node`, as in the image that the stages start from.
  mkdirSync(join(place, "bin"));
  symlinkSync(process.execPath, join(place, "bin/node"));
  const env = {
    ...process.env,
    PATH: `${join(place, "bin")}${delimiter}${process.env["PATH"]}`,
    npm_config_prefer_offline: "true",
    SOURCE_DATE_EPOCH: "1700000000",
  };
  const file = parseDockerfile(readFileSync(join(repository, "Dockerfile"), "utf8"));
  // All dependencies are here already, from the same lockfile; those of the image are installed as it says.
  const link = (directory: string) =>
    symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
  const image = carryOut(file, repository, place, env, new Map([["npm ci --ignore-scripts", link]]));
  return { place, image };
}

const asRoot = process.getuid?.() === 0;

function needsContainers(t: TestContext): boolean {
  const works = asRoot && hasCommand("unshare") && hasCommand("setpriv") && hasCommand("chroot");
  return needs(t, "root with unshare, setpriv and chroot", works);
}

test("the image holds Node, its libraries and the package, and nothing that could run anything else", () => {
  const programs = execFileSync(
    "find",
    [built.image, "-type", "f", "-perm", "/111", "-not", "-path", "*/app/*"],
    {
      encoding: "utf8",
    },
  )
    .trim()
    .split("\n")
    .map((file) => file.slice(built.image.length));
  assert.deepEqual(
    programs.filter((file) => !/\.so[.\d]*$/.test(file)),
    ["/nodejs/bin/node"],
  );
  const places = readdirSync(built.image).filter((name) => !/^lib(64)?$|^usr$/.test(name));
  assert.deepEqual(places.sort(), ["app", "etc", "nodejs", "var"]);
  const packages = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8"))
    .packages as Readonly<Record<string, { readonly dev?: boolean }>>;
  for (const name of ["typescript", "fast-check", "kubernetes-models"]) {
    assert.equal(packages[`node_modules/${name}`]?.dev, true);
    assert.ok(!existsSync(join(built.image, "app/node_modules", name)), name);
  }
  assert.ok(!existsSync(join(built.image, "app/src")));
});

test("nobody but root can write in the image; the state directory alone is the gateway's", {
  skip: !asRoot && "owners need root",
}, () => {
  const find = (...args: readonly string[]) =>
    execFileSync("find", [built.image, ...args], { encoding: "utf8" });
  assert.equal(find("-not", "-type", "l", "-perm", "/022"), "");
  assert.equal(find("-uid", String(user)).trim(), join(built.image, "var/lib/zion"));
  assert.equal(find("-perm", "/7000"), "");
  assert.match(readFileSync(join(built.image, "etc/passwd"), "utf8"), /^zion:x:65532:65532:.*nonexistent$/m);
});

test("the same sources and dependencies give the same image, to the byte, mode and time", () => {
  const again = join(built.place, "again");
  const source = join(built.place, "root/src");
  execFileSync(process.execPath, ["deploy/image/root.ts", again], {
    cwd: source,
    env: { ...process.env, SOURCE_DATE_EPOCH: "1700000000" },
  });
  assert.equal(digest(join(again, "system")), digest(join(built.place, "root/out/system")));
});

function digest(directory: string): string {
  const args = ["--sort=name", "--numeric-owner", "--owner=0", "--group=0", "-C", directory, "-cf", "-", "."];
  const text = execFileSync("sh", ["-c", 'tar "$@" | sha256sum', "sh", ...args], { encoding: "utf8" });
  return text.slice(0, 64);
}

test("the image serves as process 1 without rights, environment or a root it can write, and drains on TERM", async (t) => {
  if (!needsContainers(t) || !needsHelm(t)) return;
  const upstream = await startUpstream(t);
  const objects = objectsOf({
    config: {
      server: { listen_http: "127.0.0.1:0", shutdown_delay_ms: 0 },
      telemetry: { listen: "0.0.0.0:0" },
      admin: { listen: "127.0.0.1:0" },
      upstream: { app: { url: `http://localhost:${upstream.port}` } },
      route: [{ path: "/{*rest}", upstream: "app" }],
    },
    audit: { existingSecret: "audit-key" },
  });
  const key = Buffer.alloc(32, 7);
  const mounts = podVolumes(objects, { "audit-key": { key } });
  const directoryAt = (path: string) => mounts.find(({ at }) => at === path)!.from;
  const entry = parseDockerfile(readFileSync(join(repository, "Dockerfile"), "utf8")).stages.at(-1)!.steps;
  const words = (keyword: string) => entry.find((step) => step.keyword === keyword)!.words;
  const { args, startupProbe, livenessProbe, readinessProbe } = find(objects, "Deployment").spec.template.spec
    .containers[0];
  const container = await startContainer(built.image, mounts, [...words("ENTRYPOINT"), ...args]);
  let stderr = "";
  container.child.stderr!.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  let stdout = "";
  container.child.stdout!.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  const exited = new Promise<number | null>((done) => container.child.on("exit", done));
  t.after(() => container.child.kill("SIGKILL"));

  await until(
    `it has started: ${stderr}`,
    () => stderr.includes('"zion.started"') || container.child.exitCode !== null,
  );
  const started = stderr
    .split("\n")
    .filter((line) => line.includes('"zion.started"'))
    .map((line) => JSON.parse(line))[0];
  assert.ok(started !== undefined, stderr);
  const port = started.listeners[0].port as number;
  const telemetry = started.control.find(({ name }: { name: string }) => name === "telemetry").port as number;
  await until("it is ready", async () => (await request(telemetry, "/readyz")).body === "ready\n");
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe])
    assert.equal((await request(telemetry, httpGet.path)).status, 200, httpGet.path);
  assert.deepEqual([(await request(port, "/")).status, (await request(port, "/")).body], [200, "hello"]);
  assert.equal((await request(port, "/?q=1%27%20UNION%20SELECT%20password%20FROM%20users--")).status, 400);

  const mountOfRoot = /^\S+ \S+ \S+ \S+ \/ (\S+)/m.exec(
    readFileSync(`/proc/${container.pid()}/mountinfo`, "utf8"),
  );
  assert.match(mountOfRoot![1]!, /^ro\b/);
  const variables = readFileSync(`/proc/${container.pid()}/environ`, "utf8")
    .split("\0")
    .filter((one) => one !== "");
  assert.deepEqual(
    variables.map((one) => one.split("=")[0]).sort(),
    ["NODE_ENV", "UV_THREADPOOL_SIZE"],
    "its own",
  );
  const all = processesOf(container);
  assert.ok(all.length >= 4, "primary, audit writer and two workers");
  for (const pid of all) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    assert.match(status, /^Uid:\t65532\t65532\t65532\t65532$/m);
    assert.match(status, /^Groups:\t ?$/m);
    assert.match(status, /^CapEff:\t0+$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
  }

  process.kill(container.pid(), "SIGTERM");
  assert.equal(await exited, 143);
  await until("nothing is left", () => !all.some(isRunning));
  assert.match(stdout, /"url.path":"\/"/);
  const log = join(directoryAt("/var/lib/zion"), "audit");
  assert.equal(
    spawnSync(process.execPath, [
      join(repository, "bin/zion.js"),
      "audit",
      "verify",
      "--dir",
      log,
      "--key",
      join(directoryAt("/etc/zion/secrets/audit"), "key"),
    ]).status,
    0,
  );
});

function processesOf(container: Container): readonly number[] {
  const all = [container.pid()];
  for (const pid of all) all.push(...childrenOf(pid));
  return all;
}
