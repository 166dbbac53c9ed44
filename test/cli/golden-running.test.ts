import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { request, startGateway, startUpstream, until } from "../control/gateway.ts";
import { freePort } from "../support/free-port.ts";
import { assertTranscript, commandLines, maskVarying, runTogether, transcriptNames } from "./transcript.ts";

const onLinux = { skip: process.platform === "linux" ? false : "reads /proc and needs reusePort" };

test("commands print of a gateway that runs what they printed before", onLinux, async (t) => {
  const token = `zion_admin_${"t".repeat(43)}`;
  const upstream = await startUpstream(t);
  const toml = readFileSync(path.join(import.meta.dirname, "golden/running/zion.toml"), "utf8")
    .replace("TELEMETRY", String(await freePort()))
    .replace("UPSTREAM", String(upstream.port))
    .replace("TOKEN", createHash("sha256").update(token).digest("hex"));
  const pair = makeSelfSigned({ names: ["shop.example"], days: 30 });
  const gateway = await startGateway(t, {
    toml,
    files: {
      "cert.pem": pair.certPem,
      "key.pem": pair.keyPem,
      "audit.key": "k".repeat(32),
    },
  });
  const folder = gateway.directory;
  const inForce = readFileSync(path.join(folder, "zion.toml"), "utf8");
  writeFileSync(
    path.join(folder, "next.toml"),
    inForce.replace("workers = 1", "workers = 1\nmax_headers = 99"),
  );

  const host = { headers: { Host: "shop.example" } };
  await request(gateway.port, "/search?q=sofa", host);
  const attack = "?q=1%20union%20select%20a,b%20from%20users";
  const refusal = await request(gateway.port, `/search${attack}`, host);
  for (let i = 0; i < 2; i++) await request(gateway.port, `/cart${attack}`, host);
  const ask = (method: string, at: string, body = ""): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = {
        Host: "localhost",
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
      };
      const options = { socketPath: path.join(folder, "admin.sock"), path: at, method, headers };
      http
        .request(options, async (answer) => resolve(Buffer.concat(await answer.toArray()).toString()))
        .on("error", reject)
        .end(body);
    });
  await ask("POST", "/v1/bans?op_id=golden", '{"address": "192.0.2.7", "secs": 3600}');
  await until("all is counted", async () => {
    const { requests } = JSON.parse(await ask("GET", "/snapshot?path=totals")) as { requests: number };
    return requests === 4;
  });

  const id = String(refusal.headers["x-request-id"]);
  const groups = transcriptNames("running").map((name) => ({ name, lines: commandLines("running", name) }));
  const results = await runTogether(
    folder,
    groups.flatMap(({ lines }) =>
      lines.map((line) => ({ ...line, args: line.args.map((word) => word.replace("REFUSAL", id)) })),
    ),
    { ZION_ADMIN_TOKEN: token },
  );
  const mask = (text: string): string => maskFigures(maskVarying(text.replaceAll(id, "REFUSAL"), folder));
  for (const { name, lines } of groups)
    await t.test(path.basename(name, ".txt"), () =>
      assertTranscript("running", name, results.splice(0, lines.length), mask),
    );
});

/** What a gateway has counted, measured and drawn. */
function maskFigures(text: string): string {
  return text
    .replace(/( "(?!(?:generation|status|score|start|end|requests|clients)")\w+": )[\d.]+(?=,?$)/gm, "$1N")
    .replace(/(?<=\S) {2,}\d+(?:\.\d+)?(?= |$)/gm, "  N")
    .replace(/word-[0-9a-f]{10}/g, "WORD")
    .replace(/[\d.]+(?= (?:ms|s|%|MiB|days)\b| %)/g, "N")
    .replace(/\b(?:[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{32})\b/g, "HEX")
    .replace(/("mono":"|"seq":)\d+/g, "$1N")
    .replace(/("mac":")[\w-]+/g, "$1MAC");
}
