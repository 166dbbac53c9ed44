import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf, until } from "../control/gateway.ts";

/** A program in namespaces of its own, as a container runtime starts it. */
export interface Container {
  readonly child: ChildProcess;
  /** Process 1 of the container, as the machine counts it. */
  readonly pid: () => number;
}

export interface Mount {
  /** A directory of this machine, and where it lies in the container. */
  readonly from: string;
  readonly at: string;
  readonly writable: boolean;
}

/**
 * Runs a program from `root` as user and group 65532 without any other group, as process 1 of a PID namespace of its own,
 * with an empty environment, the root read-only, and no way to gain rights. Needs root. The network is the machine's.
 */
export async function startContainer(
  root: string,
  mounts: readonly Mount[],
  command: readonly string[],
): Promise<Container> {
  // What a runtime lays over an image before it starts.
  for (const directory of ["proc", "dev", ...mounts.map(({ at }) => at)])
    mkdirSync(join(root, directory), { recursive: true });
  writeFileSync(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  const lines = [
    "set -e",
    'mount --bind "$ROOT" "$ROOT"',
    'mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"',
    'for name in null urandom random; do touch "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"; done',
    'mount -t proc proc "$ROOT/proc"',
    ...mounts.flatMap(({ from, at, writable }) => [
      `mount --bind '${from}' "$ROOT"'${at}'`,
      ...(writable ? [] : [`mount -o remount,bind,ro "$ROOT"'${at}'`]),
    ]),
    'mount -o remount,bind,ro "$ROOT"',
    "setpriv=$(command -v setpriv); chroot=$(command -v chroot)",
    'exec env -i "$setpriv" --no-new-privs "$chroot" --userspec=65532:65532 --groups= "$ROOT" "$@"',
  ];
  const namespaces = ["--mount", "--pid", "--ipc", "--fork", "--kill-child", "--propagation", "private"];
  const child = spawn("unshare", [...namespaces, "sh", "-c", lines.join("\n"), "sh", ...command], {
    env: { ...process.env, ROOT: root },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await until(
    "the container has a process",
    () => childrenOf(child.pid!).length > 0 || child.exitCode !== null,
  );
  return { child, pid: () => childrenOf(child.pid!)[0] ?? 0 };
}
