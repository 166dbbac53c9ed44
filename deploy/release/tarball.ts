import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Source } from "./stage.ts";

/** Packs a staged directory: equal contents give equal bytes, whoever owns the files and whatever order they lie in. */
export function packTarball(staged: string, source: Source, file: string): void {
  const plain = file.replace(/\.gz$/, "");
  const fixed = [
    "--sort=name",
    "--format=gnu",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    `--mtime=@${source.epochSecs}`,
  ];
  const environment = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
  rmSync(file, { force: true });
  execFileSync("tar", [...fixed, "-C", dirname(staged), "-cf", plain, basename(staged)], {
    env: environment,
  });
  // Without a name and a time of its own.
  execFileSync("gzip", ["-n", plain], { env: environment });
}
