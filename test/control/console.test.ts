import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, type TestContext, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { pagePolicy, readConsole } from "../../src/control/console.ts";
import { fullForm, hasCommand } from "../support/shared.ts";
import { config, type Gateway, startGateway, startUpstream, until } from "./gateway.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };
const token = "0123456789abcdef0123456789abcdef";
const attack = "/search?q=1%20union%20select%20password%20from%20users";

/** What the browser must never do. */
interface Faults {
  readonly violations: string[];
  readonly elsewhere: string[];
  readonly errors: string[];
}

async function start(
  t: TestContext,
  more: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  const upstream = await startUpstream(t);
  const toml = config(upstream.port, ["workers = 1", "shutdown_delay_ms = 0"])
    .replace(
      '[admin]\nlisten = "127.0.0.1:0"',
      '[admin]\nlisten = "127.0.0.1:0"\nwrite_token_env = "ZION_TEST_TOKEN"',
    )
    .replace("[[route]]", '[[route]]\nname = "app"');
  const whole = `${toml}\n${more.join("\n")}\n`;
  return startGateway(t, { toml: whole, environment: { ZION_TEST_TOKEN: token }, files });
}

/** One for all tests: its start takes longer than most of them. Each page has storage, cache and connections of its own. */
let browser: Promise<Browser> | undefined;
after(async () => (await browser)?.close());

async function open(t: TestContext, gateway: Gateway, colorScheme: "light" | "dark" = "light") {
  browser ??= chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const page = await (await browser).newPage({ colorScheme, viewport: { width: 1280, height: 1000 } });
  t.after(() => page.close());
  const origin = `http://127.0.0.1:${gateway.adminPort}`;
  const faults: Faults = { violations: [], elsewhere: [], errors: [] };
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:")) faults.elsewhere.push(url);
  });
  page.on("console", (message) => {
    if (message.type() === "error") faults.violations.push(message.text());
  });
  page.on("pageerror", (error) => faults.errors.push(error.message));
  await page.goto(`${origin}/`);
  return { page, faults, origin };
}

/** Not `needs`: .ci/run goes on without a browser where none can be installed. */
function hasBrowser(t: TestContext): boolean {
  if (hasCommand("chromium")) return true;
  t.skip("chromium is absent");
  return false;
}

test("the page is one of files of its own, under a policy that takes nothing from elsewhere", () => {
  const assets = readConsole();
  assert.equal(assets.size, 12);
  const all = [...assets].filter(([name]) => !name.includes("uplot")).map(([, { body }]) => body);
  for (const body of all)
    assert.doesNotMatch(body, /https?:\/\/|innerHTML|insertAdjacentHTML|document\.write|eval\(/);
  assert.match(pagePolicy, /default-src 'none'/);
});

test("a refusal appears while one looks, is explained, and is excluded with proof", onLinux, async (t) => {
  if (!hasBrowser(t)) return;
  const gateway = await start(t);
  const { page, faults } = await open(t, gateway);
  await page.locator("#readiness").filter({ hasText: "ready" }).waitFor();
  await gateway.get("/?before=1");
  assert.equal((await gateway.get(attack)).status, 400);
  const row = page.locator("zion-refusals tbody tr").filter({ hasText: "/search" });
  await row.waitFor({ timeout: 10_000 });
  assert.match((await row.textContent())!, /patterns.*sqli-\S+ in query:q/);

  await row.getByRole("button", { name: "Explain" }).click();
  await page.locator("dialog[open] h2").filter({ hasText: "Why" }).waitFor();
  assert.match(
    (await page.locator("#details-body").textContent())!,
    /query:q, bytes \d+ to \d+.*zion why [0-9a-f]{32}/s,
  );
  await page.keyboard.press("Escape");

  await row.getByRole("button", { name: "Exclude" }).click();
  const patch = page.locator("#patch");
  await patch.waitFor({ timeout: 30_000 });
  assert.match(
    (await patch.textContent())!,
    /^--- .*\+\[\[exclude\]\]\n\+rule = "sqli-[\w-]+"\n\+route = "app"\n\+field = "query:q"\n/s,
  );
  assert.match(
    (await page.locator("#details-body").textContent())!,
    /\d+ forms of known attacks.*of them would pass/s,
  );
  await page.keyboard.press("Escape");
  await page.locator("#rules").filter({ hasText: "query:q" }).waitFor();
  await page.locator("#clients").filter({ hasText: "127.0.0.1" }).waitFor();
  assert.deepEqual(faults, { violations: [], elsewhere: [], errors: [] });
});

test("what an attacker writes is text on the page", onLinux, async (t) => {
  if (!hasBrowser(t)) return;
  const gateway = await start(t);
  const { page, faults } = await open(t, gateway);
  await gateway.get("/%3Cimg%20src=x%20onerror=alert(1)%3E?q=%3Cscript%3Ealert(1)%3C/script%3E");
  await page.locator("zion-refusals tbody tr").filter({ hasText: "img" }).waitFor({ timeout: 10_000 });
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(faults, { violations: [], elsewhere: [], errors: [] });
});

test("a generation is rolled back with a token, and not without", onLinux, async (t) => {
  if (!hasBrowser(t)) return;
  const gateway = await start(t);
  const { page } = await open(t, gateway);
  gateway.signal("SIGHUP");
  const button = page.getByRole("button", { name: "Roll back to 1" });
  await button.waitFor({ timeout: 20_000 });
  await button.click();
  await page.locator("dialog[open]").filter({ hasText: "Roll back" }).waitFor();
  await page.keyboard.press("Escape");
  await page.fill("#token", token);
  await page.getByRole("button", { name: "Use" }).click();
  await button.click();
  await page.locator("zion-generations").filter({ hasText: "Roll back to 2" }).waitFor({ timeout: 20_000 });
});

test("a generation is compared with the one in force", onLinux, async (t) => {
  if (!hasBrowser(t)) return;
  const gateway = await start(t);
  const { page, faults } = await open(t, gateway);
  const file = path.join(gateway.directory, "zion.toml");
  gateway.write(readFileSync(file, "utf8").replace("workers = 1", "workers = 1\nmax_headers = 99"));
  gateway.signal("SIGHUP");
  const button = page.getByRole("button", { name: "Compare 1" });
  await button.waitFor({ timeout: 20_000 });
  await button.click();
  const row = page.locator("#details-body tbody tr");
  await row.first().waitFor();
  assert.deepEqual(await row.allInnerTexts(), ["server.max_headers\t64\t99"]);
  assert.deepEqual(faults, { violations: [], elsewhere: [], errors: [] });
});

const auditTables = [
  "[audit]",
  "enabled = true",
  'path = "DIRECTORY/log"',
  'key_file = "DIRECTORY/audit.key"',
];
const auditFiles = { "audit.key": "k".repeat(32) };

test(
  "the audit log's head and newest checkpoint are shown, and grow with what is recorded",
  onLinux,
  async (t) => {
    if (!hasBrowser(t)) return;
    const gateway = await start(t, auditTables, auditFiles);
    const { page, faults, origin } = await open(t, gateway);
    const fact = (name: string) =>
      page
        .locator("#audit div")
        .filter({ has: page.locator("dt").getByText(name, { exact: true }) })
        .locator("dd");
    await fact("writer").filter({ hasText: "up" }).waitFor();
    await fact("root")
      .filter({ hasText: /^[0-9a-f]{64}$/ })
      .waitFor();
    await fact("read again").filter({ hasText: "as written" }).waitFor();
    await fact("kept elsewhere").filter({ hasText: "not yet" }).waitFor();
    const before = Number(await fact("records").textContent());
    for (let i = 0; i < 3; i++) await gateway.get(attack);
    await until("they are in it", async () => Number(await fact("records").textContent()) >= before + 3);
    await fact("checkpoint")
      .filter({ hasText: /of \d+ records, \d+ s ago/ })
      .waitFor({ timeout: 30_000 });
    const told = await (await fetch(`${origin}/snapshot?path=audit.root`)).json();
    assert.match(String(told), /^[0-9a-f]{64}$/);
    assert.deepEqual(faults, { violations: [], elsewhere: [], errors: [] });
  },
);

test("the page is usable by keyboard and for assistive technology, in light and dark", onLinux, async (t) => {
  if (!hasBrowser(t)) return;
  const gateway = await start(t, auditTables, auditFiles);
  for (let i = 0; i < 20; i++) await gateway.get(i % 4 === 0 ? attack : "/");
  for (const scheme of ["light", "dark"] as const) {
    const { page } = await open(t, gateway, scheme);
    await page.locator("zion-refusals tbody tr").first().waitFor({ timeout: 10_000 });
    await page.locator("#routes").filter({ hasText: "app" }).waitFor();
    assert.deepEqual(await seriousFaults(page), [], scheme);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.id"), "token");
    if (process.env["ZION_WRITE_DOCS"] === "1") {
      const folder = path.resolve(import.meta.dirname, "../../docs/images");
      mkdirSync(folder, { recursive: true });
      await until("there is something to see", async () => (await page.locator(".u-over").count()) > 0);
      for (let i = 0; i < 400; i++) {
        await gateway.get(
          i % 37 === 0 ? attack : i % 53 === 0 ? "/?x=%3Cscript%3Ealert(1)%3C/script%3E" : `/${i}`,
        );
        await page.waitForTimeout(50);
      }
      await page.screenshot({ path: path.join(folder, `console-${scheme}.png`), fullPage: true });
    }
    await page.close();
  }
});

test("a page that is left open does not grow, and nor does what serves it", onLinux, async (t) => {
  if (!hasBrowser(t)) return;
  const gateway = await start(t);
  const { page, faults } = await open(t, gateway);
  const rows = () => page.locator("zion-refusals tbody tr").count();
  // Rounds of a second. The full form takes ten minutes.
  const rounds = process.env["ZION_FULL"] === "1" ? 600 : fullForm ? 6 : 4;
  let streams = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/v1/events")) streams++;
  });
  const session = await page.context().newCDPSession(page);
  const measure = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    return { heapKib: usedSize / 1024, nodes, primaryMib: residentMib(gateway.pid) };
  };
  for (let i = 0; i < 150; i++) await gateway.get(`${attack}&n=${i}`);
  await until("the list is full", async () => (await rows()) === 100);
  let before = await measure();
  const startMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 30; i++) await gateway.get(`${attack}&r=${round}.${i}`);
    // By then the page holds as many refusals as it counts.
    if (round === Math.min(rounds / 2, 70)) before = await measure();
    await page.waitForTimeout(Math.max(0, startMs + (round + 1) * 1000 - performance.now()));
  }
  assert.equal(await rows(), 100);
  const after = await measure();
  t.diagnostic(`${rounds} rounds: ${JSON.stringify(before)}, ${JSON.stringify(after)}, streams ${streams}`);
  assert.ok(after.heapKib - before.heapKib < 4000, `${before.heapKib} to ${after.heapKib} KiB`);
  // A table that was just drawn anew is counted until it is collected.
  await until(
    `nodes are collected: ${before.nodes} to ${after.nodes}`,
    async () => (await measure()).nodes - before.nodes < 500,
  );
  assert.ok(after.primaryMib - before.primaryMib < 64, `${before.primaryMib} to ${after.primaryMib} MiB`);
  assert.ok(streams <= 1, `the stream was opened ${streams} times`);
  assert.deepEqual(faults, { violations: [], elsewhere: [], errors: [] });
});

function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** Of axe-core: serious and critical ones. */
async function seriousFaults(page: Page): Promise<readonly string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations;
  });
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

test(
  "a wrong token is shown once, and however often one is given there is one round of readings",
  onLinux,
  async (t) => {
    if (!hasBrowser(t)) return;
    const sha256 = createHash("sha256").update(token).digest("hex");
    const gateway = await start(t, [
      ...["[admin.token.a]", `sha256 = "${sha256}"`, 'role = "admin"', "expires = 2099-01-01"],
    ]);
    const { page } = await open(t, gateway);
    const shown: string[] = [];
    let readings = 0;
    let answered = 0;
    page.on("response", (response) => {
      if (response.url().endsWith("/snapshot")) answered++;
    });
    page.on("request", (request) => {
      shown.push(request.headers()["authorization"] ?? "");
      if (request.url().endsWith("/snapshot")) readings++;
    });
    const use = async (text: string) => {
      await page.fill("#token", text);
      await page.getByRole("button", { name: "Use" }).click();
    };
    await use("wrong");
    await until("it was shown", () => shown.some((one) => one.includes("wrong")));
    const before = readings;
    await until("it asks on", () => readings > before + 3);
    assert.ok(shown.filter((one) => one.includes("wrong")).length < 4, shown.join(", "));

    await page.clock.install();
    const given = readings + 6;
    for (let i = 0; i < 6; i++) await use(token);
    await page.locator("#readiness").filter({ hasText: "ready" }).waitFor({ timeout: 20_000 });
    await until("all were answered", () => readings >= given && answered === readings);
    const settled = readings;
    await until("the next reading", async () => {
      await page.clock.runFor(500);
      return readings > settled;
    });
    assert.ok(readings <= settled + 2, `${readings - settled} readings`);
  },
);
