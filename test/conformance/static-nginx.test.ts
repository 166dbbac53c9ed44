import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../support/free-port.ts";
import { type Answer, ask, startStatic } from "./static-bench.ts";

// The same files through nginx: where RFC 9110 leaves no choice, both answer the same.

const nginx = "/usr/sbin/nginx";

async function startNginx(t: TestContext, above: string, root: string): Promise<number> {
  const port = await freePort();
  const folder = path.join(above, "nginx");
  mkdirSync(folder);
  const file = path.join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; master_process off; error_log stderr; pid ${folder}/pid;
events {}
http {
  access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  types { text/plain txt; text/html html; }
  if_modified_since before;
  server { listen 127.0.0.1:${port}; root ${root}; gzip_static on; absolute_redirect off; }
}`,
  );
  const child = spawn(nginx, ["-p", folder, "-c", file], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isUp) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("nginx does not start");
}

test("ranges, conditions, redirects and coded files are answered as nginx answers them", async (t) => {
  if (!existsSync(nginx)) {
    assert.equal(process.env["CI"], undefined, "nginx must be there in CI");
    t.skip("nginx is absent");
    return;
  }
  const { edge, root, above, write } = await startStatic(t, { route: "precompressed = true" });
  const old = new Date("2026-01-02T03:04:05Z");
  for (const [name, content] of [
    ["a.txt", "0123456789".repeat(20)],
    ["empty.txt", ""],
    ["z.txt", "plain"],
    ["z.txt.gz", "coded"],
    ["sub/index.html", "<p>"],
  ] as const)
    utimesSync(write(name, content), old, old);
  const port = await startNginx(t, above, root);
  const both = (target: string, fields: string, method?: string): Promise<[Answer, Answer]> =>
    Promise.all([ask(edge, target, fields, method), ask({ port }, target, fields, method)]);
  const date = "Fri, 02 Jan 2026 03:04:05 GMT";
  const ranges = [
    ...[
      "0-0",
      "0-",
      "5-9",
      "-1",
      "-200",
      "-500",
      "199-",
      "199-500",
      "200-",
      "500-600",
      "-0",
      "0-199",
      "0-500",
    ],
    ...["0-0,5-5", "0-9, 20-29", "190-,0-3", "-5,0-4", "0-0,500-", "500-,600-", "0-150,0-150"],
  ];
  const cases: readonly (readonly [target: string, fields: string, method?: string])[] = [
    ...ranges.map((range) => ["/a.txt", `Range: bytes=${range}`] as const),
    ["/a.txt", `Range: bytes=0-1\r\nIf-Range: ${date}`],
    ["/a.txt", "Range: bytes=0-1\r\nIf-Range: Fri, 02 Jan 2026 03:04:04 GMT"],
    ["/a.txt", 'Range: bytes=0-1\r\nIf-Range: "other"'],
    ["/a.txt", `If-Modified-Since: ${date}`],
    ["/a.txt", "If-Modified-Since: Fri, 02 Jan 2026 03:04:06 GMT"],
    ["/a.txt", "If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT"],
    ["/a.txt", "If-Modified-Since: x"],
    ["/a.txt", `If-Unmodified-Since: ${date}`],
    ["/a.txt", "If-Unmodified-Since: Fri, 02 Jan 2026 03:04:04 GMT"],
    ["/a.txt", "If-None-Match: *"],
    ["/a.txt", 'If-None-Match: "other"'],
    ["/a.txt", 'If-Match: "other"'],
    ["/a.txt", "If-Match: *"],
    ["/a.txt", `If-None-Match: "other"\r\nIf-Modified-Since: ${date}`],
    ["/a.txt", "", "HEAD"],
    ["/empty.txt", ""],
    ["/empty.txt", "", "HEAD"],
    ["/z.txt", "Accept-Encoding: gzip"],
    ["/z.txt", "Accept-Encoding: gzip;q=0"],
    ["/z.txt", ""],
    ["/sub", ""],
    ["/sub?x=1", ""],
    ["/sub/", ""],
    ["/none", ""],
    ["/a.txt/", ""],
    ["/a%2Etxt", ""],
    ["/sub/../a.txt", ""],
    ["//a.txt", ""],
  ];
  for (const [target, fields, method] of cases) {
    const [ours, theirs] = await both(target, fields === "" ? "" : `${fields}\r\n`, method);
    const what = `${method ?? "GET"} ${target} ${fields}`;
    assert.equal(ours.status, theirs.status, what);
    if (ours.status >= 400 || ours.status === 301) {
      for (const name of ["content-range", "location"])
        assert.equal(ours.fields.get(name), theirs.fields.get(name), `${what}: ${name}`);
      continue;
    }
    const plain = (text: string | undefined) => text?.replace(/; charset=utf-8/g, "");
    const isMultipart = theirs.fields.get("content-type")?.startsWith("multipart/") === true;
    for (const name of [
      "content-range",
      "content-encoding",
      "last-modified",
      ...(isMultipart ? [] : ["content-length"]),
    ])
      assert.equal(ours.fields.get(name), theirs.fields.get(name), `${what}: ${name}`);
    if (isMultipart) assert.deepEqual(partsOf(ours), partsOf(theirs), what);
    else {
      assert.equal(ours.body, theirs.body, what);
      assert.equal(plain(ours.fields.get("content-type")), theirs.fields.get("content-type"), what);
    }
  }
});

/** Range and bytes of each part. */
function partsOf({ fields, body }: Answer): readonly (readonly string[])[] {
  const boundary = /boundary=(\S+)$/.exec(fields.get("content-type")!)![1]!;
  const parts = body.split(`\r\n--${boundary}`);
  assert.equal(parts.at(-1), "--\r\n");
  return parts.slice(1, -1).map((part) => /Content-Range: (.*)\r\n\r\n([\s\S]*)$/i.exec(part)!.slice(1));
}
