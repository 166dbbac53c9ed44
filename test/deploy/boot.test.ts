import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { buildArtefacts } from "../../deploy/release/artefacts.ts";

const root = resolve(import.meta.dirname, "../..");
const canBoot = process.getuid?.() === 0 && spawnSync("systemd-nspawn", ["--version"]).error === undefined;

/** Ends the machine when its steps have, whatever came of them. */
const unit = `[Unit]
FailureAction=poweroff-force
SuccessAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/zion/steps.sh
StandardOutput=file:/opt/zion/out
StandardError=file:/opt/zion/problems
`;

const target = `[Unit]
Requires=basic.target dbus.socket zion-steps.service
After=basic.target
`;

const inFull = {
  skip:
    process.env["ZION_FULL"] === undefined
      ? "ZION_FULL=1 runs it: a minute"
      : canBoot
        ? false
        : "needs root and systemd-nspawn (systemd-container, dbus)",
  timeout: 300_000,
};

test(
  "a booted systemd installs, starts, reloads, updates, guards, stops and removes the gateway",
  inFull,
  (t) => {
    // This system again, with all that is written kept apart from it.
    const work = mkdtempSync(join(tmpdir(), "zion-boot-"));
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", work]);
    const at = (name: string) => join(work, name);
    const unmount = (path: string) => spawnSync("umount", [path]).status === 0;
    t.after(() => {
      // Nothing is deleted below a mount that stays.
      if (unmount(at("root")) && unmount(work)) rmSync(work, { recursive: true });
    });
    for (const name of ["upper", "scratch", "root", "build"]) mkdirSync(at(name));
    execFileSync("mount", [
      "-t",
      "overlay",
      "overlay",
      "-o",
      `lowerdir=/,upperdir=${at("upper")},workdir=${at("scratch")}`,
      at("root"),
    ]);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const { deb } = buildArtefacts({ directory: root, version, epochSecs: 1_790_000_000 }, at("build"));
    mkdirSync(at("root/opt/zion"), { recursive: true });
    copyFileSync(deb, at("root/opt/zion/zion.deb"));
    copyFileSync(join(import.meta.dirname, "boot/steps.sh"), at("root/opt/zion/steps.sh"));
    rmSync(at("root/usr/bin/node"), { force: true });
    copyFileSync(realpathSync(process.execPath), at("root/usr/bin/node"));
    chmodSync(at("root/usr/bin/node"), 0o755);
    writeFileSync(at("root/etc/systemd/system/zion-steps.service"), unit);
    writeFileSync(at("root/etc/systemd/system/zion-steps.target"), target);
    spawnSync(
      "systemd-nspawn",
      [
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--private-network",
        `--directory=${at("root")}`,
        "--boot",
        "systemd.unit=zion-steps.target",
      ],
      { stdio: "ignore", timeout: 240_000 },
    );
    const said = readFileSync(at("root/opt/zion/out"), "utf8");
    t.diagnostic(readFileSync(at("root/opt/zion/problems"), "utf8").slice(0, 2000));
    assert.deepEqual(said.trimEnd().split("\n"), [
      "installed, not started: inactive disabled",
      "start: 0 active",
      "status: generation 1, routes: 1",
      "port below 1024, WAF: 400",
      "user: zion",
      "capabilities: 0000000000000400",
      "credentials: zion 400",
      "check by root: 0",
      "status over the socket: 0",
      "reload: success",
      "after it: generation 2, routes: 1",
      "reload of a bad file: 1 400",
      "update: another process, 0 restarts, 400",
      "watchdog, fed: 0",
      "watchdog, stuck: 1 400",
      "stop: inactive success",
      "start of a bad file: failed 78 0",
      "evidence: 0",
      "removed: 0 processes, keys tls zion.toml ",
      "purged: 0 directories left",
    ]);
  },
);
