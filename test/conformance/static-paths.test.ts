import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ask, type StaticBench, startStatic } from "./static-bench.ts";

// Nothing outside of `serve_dir` is served, and nothing but what the path plainly says.

const files: Readonly<Record<string, string>> = {
  "index.html": "root index",
  "a.txt": "a",
  "sub/index.html": "sub index",
  "sub/b.txt": "b",
  "sub/deep/c d.txt": "c d",
  "é.txt": "composed",
  ".env": "HIDDEN",
  ".git/config": "HIDDEN",
  "sub/.htpasswd": "HIDDEN",
  ".well-known/security.txt": "contact",
};

/** Beside the directory, and links to it from inside. */
function surround({ above, root, write }: StaticBench): void {
  writeFileSync(path.join(above, "secret.txt"), "SECRET");
  mkdirSync(path.join(above, "www-other"));
  writeFileSync(path.join(above, "www-other", "a.txt"), "SECRET");
  symlinkSync("../secret.txt", path.join(root, "out.txt"));
  symlinkSync(above, path.join(root, "up"));
  symlinkSync("../www-other", path.join(root, "sub", "other"));
  symlinkSync("/etc", path.join(root, "etc"));
  symlinkSync("/proc/self/root", path.join(root, "slash"));
  symlinkSync("sub/b.txt", path.join(root, "in.txt"));
  symlinkSync("loop", path.join(root, "loop"));
  write("up.txt/x", "x");
}

/** What each path may be answered with. */
const served = new Map([
  ...Object.entries(files).filter(([, content]) => content !== "HIDDEN"),
  ["in.txt", "b"] as const,
  ["up.txt/x", "x"] as const,
]);

/** The plain reading of a target; undefined: it has none, or more than one. */
function plainReading(target: string): string | undefined {
  const names: string[] = [];
  const raw = target.split(/[?#]/, 1)[0]!.split("/").slice(1);
  for (const segment of raw) {
    let name: string;
    try {
      name = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
    if (name === "..") names.pop();
    else if (name !== "." && name !== "") names.push(name);
  }
  const isDirectory = raw.at(-1) === "" || /^\.{1,2}$/.test(decodeURIComponent(raw.at(-1)!));
  const plain = (isDirectory ? [...names, "index.html"] : names).join("/");
  // A link out of the directory, and into it again, ends where it began.
  return plain.replace(/^(?:up\/www\/)+/, "");
}

const corpus: readonly string[] = [
  "/../secret.txt",
  "/..%2fsecret.txt",
  "/%2e%2e/secret.txt",
  "/%2e%2e%2fsecret.txt",
  "/%252e%252e%252fsecret.txt",
  "/..%252fsecret.txt",
  "/..%c0%afsecret.txt",
  "/%c0%ae%c0%ae/secret.txt",
  "/%uff0e%uff0e/secret.txt",
  "/．．/secret.txt",
  "/..\\secret.txt",
  "/..%5csecret.txt",
  "/....//secret.txt",
  "/..;/secret.txt",
  "/sub/..;/..;/secret.txt",
  "/sub/../../secret.txt",
  "/sub/%2e%2e/%2e%2e/secret.txt",
  "/./../secret.txt",
  "//../secret.txt",
  "/sub//../../secret.txt",
  "/a.txt/../../secret.txt",
  "/a.txt%00.html",
  "/%00/../secret.txt",
  "/secret.txt%00",
  "/..%00/secret.txt",
  "/..%0d%0a/secret.txt",
  "/ ../secret.txt",
  "/%20../secret.txt",
  "/..%20/secret.txt",
  "/..%09/secret.txt",
  "/.%2e/secret.txt",
  "/%2e./secret.txt",
  "/up/secret.txt",
  "/up/www/a.txt",
  "/up/www-other/a.txt",
  "/out.txt",
  "/sub/other/a.txt",
  "/etc/passwd",
  "/slash/etc/passwd",
  "/etc/../a.txt",
  "/loop",
  "/loop/a.txt",
  "/proc/self/environ",
  "//etc/passwd",
  "///etc/passwd",
  "/~root/.profile",
  "/.env",
  "/%2eenv",
  "/sub/%2ehtpasswd",
  "/.git/config",
  "/./.git/config",
  "/sub/../.env",
  "/..www-other/a.txt",
  "/../www-other/a.txt",
  "/a.txt::$DATA",
  "/a.txt.",
  "/A.TXT",
  "/a.txt/",
  "/a.txt/.",
  "/e%CC%81.txt",
  "/sub\\b.txt",
  "/CON",
  "/file:///etc/passwd",
];

async function judge({ edge }: StaticBench, target: string): Promise<void> {
  const { status, body } = await ask(edge, target);
  assert.doesNotMatch(body, /SECRET|HIDDEN|root:/, target);
  if (status !== 200) return;
  const meant = plainReading(target);
  assert.ok(meant !== undefined && served.has(meant), `${target} got "${body}"`);
  assert.equal(body, served.get(meant), target);
}

test("known ways out of a directory lead nowhere", async (t) => {
  const bench = await startStatic(t, { files });
  surround(bench);
  for (const target of corpus) await judge(bench, Buffer.from(target).toString("latin1"));
  assert.ok(bench.edge.metric("zion_reject_total", "file_outside") >= 6);
  assert.ok(bench.edge.metric("zion_reject_total", "file_path") >= 4);
  for (const name of served.keys())
    assert.equal(
      (await ask(bench.edge, `/${name.split("/").map(encodeURIComponent).join("/")}`)).status,
      200,
      name,
    );
});

test("whatever is served is what the path plainly says", async (t) => {
  const bench = await startStatic(t, { files, server: 'raw_path_chars = "encode"' });
  surround(bench);
  const piece = fc.constantFrom(
    ...[
      "a.txt",
      "sub",
      "deep",
      "c%20d.txt",
      "b.txt",
      "up",
      "out.txt",
      "in.txt",
      "etc",
      "index.html",
      "secret.txt",
    ],
    ...[
      "..",
      ".",
      "%2e%2e",
      "%2E.",
      "..%2f",
      "%5c..",
      "%c0%ae",
      "%00",
      "%25",
      "%2e",
      "%252e",
      ";",
      "..;",
      "~",
      "",
    ],
    ...[
      ".env",
      ".git",
      ".well-known",
      "security.txt",
      "%C3%A9.txt",
      "e%CC%81.txt",
      "www",
      "www-other",
      "passwd",
    ],
  );
  const target = fc
    .array(fc.tuple(fc.constantFrom("/", "/", "/", "//", "", "%2f", "\\", "/./"), piece), { maxLength: 6 })
    .map((pieces) => `/${pieces.flat().join("").replace(/^\/+/, "")}`);
  await fc.assert(
    fc.asyncProperty(target, (text) => judge(bench, text)),
    { numRuns: process.env["ZION_FULL"] === undefined ? 400 : 20_000 },
  );
});

test("a directory that is a link may be swapped, and what lies in the other one is served then", async (t) => {
  const bench = await startStatic(t, { files: { "a.txt": "one" } });
  const { above, root, edge } = bench;
  mkdirSync(path.join(above, "next"));
  writeFileSync(path.join(above, "next", "a.txt"), "two");
  assert.equal((await ask(edge, "/a.txt")).body, "one");
  rmSync(root, { recursive: true });
  symlinkSync("next", root);
  const until = Date.now() + 20_000;
  let body = "";
  while (body !== "two" && Date.now() < until) {
    const answer = await ask(edge, "/a.txt");
    assert.equal(answer.status, 200);
    ({ body } = answer);
  }
  assert.equal(body, "two");
});
