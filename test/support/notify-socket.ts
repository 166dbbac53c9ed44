import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { until } from "../control/gateway.ts";
import { newDirectory } from "./directory.ts";

/** What stands for systemd's end of NOTIFY_SOCKET: Node has no datagram sockets of the Unix kind, Python has. */
export interface NotifySocket {
  readonly path: string;
  /** Messages so far, barriers left out; each is its lines. */
  messages(): readonly (readonly string[])[];
  /** Forgets those before; resolves with the first one that has a line like this. */
  next(line: RegExp): Promise<readonly string[]>;
}

/** Closes the descriptor that a barrier brings: the sender waits for that. */
const receiver = `
import array, json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("[]", flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(65536, 4096)
    for level, kind, what in ancillary:
        if kind == socket.SCM_RIGHTS:
            fds = array.array("i")
            fds.frombytes(what)
            for fd in fds: os.close(fd)
    if data != b"BARRIER=1": print(json.dumps(data.decode().split("\\n")), flush=True)
`;

export async function openNotifySocket(t: TestContext): Promise<NotifySocket> {
  const directory = newDirectory("notify");
  const path = join(directory, "notify.sock");
  const child = spawn("python3", ["-c", receiver, path], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((done) => child.on("exit", done));
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await until("the receiver listens", () => text.includes("\n"));
  const messages = () =>
    text
      .split("\n")
      .slice(1, -1)
      .map((line) => JSON.parse(line) as readonly string[]);
  let seen = 0;
  return {
    path,
    messages,
    async next(line) {
      let found: readonly string[] | undefined;
      await until(`a message with ${line}; there are ${JSON.stringify(messages())}`, () => {
        const index = messages().findIndex((lines, at) => at >= seen && lines.some((one) => line.test(one)));
        if (index < 0) return false;
        found = messages()[index];
        seen = index + 1;
        return true;
      });
      return found!;
    },
  };
}

/** For tests with a service manager at the other end. */
export const withSystemdNotify = {
  skip: process.env["CI"] !== undefined || hasProgram("systemd-notify") ? false : "systemd-notify is missing",
};

function hasProgram(name: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, name)));
}
