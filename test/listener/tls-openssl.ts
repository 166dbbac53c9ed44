import { spawn, spawnSync } from "node:child_process";
import type { TestContext } from "node:test";

/** True when `openssl` is there. Otherwise the test is skipped, or fails where nothing may be skipped (CI=true). */
export function hasOpenssl(t: TestContext): boolean {
  if (spawnSync("openssl", ["version"]).status === 0) return true;
  if (process.env["CI"] === "true") throw new Error("openssl is not installed");
  t.skip("openssl is not installed");
  return false;
}

/** Whether this openssl knows `group` (post-quantum groups came with 3.5). */
export function hasGroup(group: string): boolean {
  const listed = spawnSync("openssl", ["list", "-tls-groups"], { encoding: "utf8" });
  return listed.status === 0 && listed.stdout.includes(group);
}

/** Runs `openssl s_client`, which says nothing; everything it printed. Never rejects. */
export function sClient(port: number, ...args: string[]): Promise<string> {
  return sClientSays(port, "", ...args);
}

/** The same with words of its own. */
export function sClientSays(port: number, input: string, ...args: string[]): Promise<string> {
  return new Promise((done) => {
    const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString("latin1");
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("close", () => done(output));
    child.on("error", (error) => done(String(error)));
    // Standard input stays open: s_client would leave before the server's answer. The server ends the connection.
    child.stdin.on("error", () => {});
    if (input !== "") child.stdin.write(input);
  });
}
