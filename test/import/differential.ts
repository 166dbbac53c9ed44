import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { ImportReport } from "../../src/import/report.ts";

// Another program with its configuration, and this gateway with what was made of it, are asked the same.

export interface Ask {
  /** "GET shop.test/path". */
  readonly ask: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** How often, one after the other; the last answer counts. */
  readonly times?: number;
  /** Part of a sentence of the report that says that answers differ here. */
  readonly differs?: string;
  /** What is left out of the comparison, for a reason that the report gives for all requests. */
  readonly but?: "xff";
}

export /** What an origin saw, and what the client got. */
interface Seen {
  readonly status: number;
  /** "3001 GET /path", "" = no origin was asked. */
  readonly origin: string;
  readonly host: string;
  readonly forwardedFor: string;
  readonly who: string;
  readonly length: number;
  /** Fields that a configuration sets, as the origin saw them. */
  readonly set: string;
  /** Of a redirect, without scheme and authority of this host. */
  readonly location: string;
  /** Fields that a configuration adds to answers. */
  readonly added: string;
  /** Of an answer that no origin gave, and that is no error. */
  readonly text: string;
}

/** Six origins that say what they saw, called 3001 to 3006. */
export interface Origins {
  /** By name. */
  readonly ports: ReadonlyMap<string, number>;
  close(): void;
}

export async function startOrigins(): Promise<Origins> {
  const servers: Server[] = [];
  const ports = new Map<string, number>();
  for (let number = 3001; number <= 3006; number++) {
    const server = createServer((asked, answer) => {
      // A body that is refused on its way is cut here.
      answerWith(String(number), asked, answer).catch(() => answer.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    ports.set(String(number), (server.address() as AddressInfo).port);
  }
  return {
    ports,
    close() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

async function answerWith(
  name: string,
  asked: IncomingMessage,
  answer: import("node:http").ServerResponse,
): Promise<void> {
  let length = 0;
  for await (const piece of asked) length += (piece as Buffer).length;
  if (name === "3006" && asked.url === "/verify") {
    const credential = asked.headers.authorization;
    answer.writeHead(credential === "good" ? 204 : credential === undefined ? 401 : 403, {
      "X-Who": "mallory",
    });
    answer.end();
    return;
  }
  const saw = {
    origin: `${name} ${asked.method} ${asked.url}`,
    host: (asked.headers.host ?? "").replace(/\d{4,5}$/, "PORT"),
    forwardedFor: String(asked.headers["x-forwarded-for"] ?? ""),
    who: String(asked.headers["x-who"] ?? ""),
    length,
    set: ["x-custom", "x-drop", "x-client"].map((name) => String(asked.headers[name] ?? "")).join("|"),
  };
  answer.writeHead(200, {
    "X-Powered-By": "tests",
    "X-Saw": Buffer.from(JSON.stringify(saw)).toString("base64"),
  });
  answer.end("ok");
}

/** Whether the report has the sentence, of something that is not as it was. */
export function says({ rows, notes }: ImportReport, sentence: string): boolean {
  return (
    rows.some(({ verdict, explanation }) => verdict !== "translated" && explanation.includes(sentence)) ||
    notes.some((note) => note.includes(sentence))
  );
}

/** A program, once it listens. Throws with what it complains of when it ends before. */
export async function startPeer(
  command: string,
  args: readonly string[],
  port: number,
  environment: NodeJS.ProcessEnv = {},
): Promise<ChildProcess> {
  const env = { ...process.env, ...environment };
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], env });
  let complaint = "";
  child.stderr.on("data", (bytes: Buffer) => (complaint += bytes.toString()));
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) throw new Error(`${command} ended: ${complaint}`);
    if (await answers(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  child.kill("SIGKILL");
  throw new Error(`${command} does not listen: ${complaint}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export async function put(port: number, ask: Ask): Promise<Seen> {
  let seen = await putOnce(port, ask);
  for (let count = 1; count < (ask.times ?? 1); count++) seen = await putOnce(port, ask);
  return seen;
}

function putOnce(port: number, { ask, fields, body }: Ask): Promise<Seen> {
  const [, method = "", host = "", target = ""] = /^(\w+) ([^/]+)(.*)$/.exec(ask)!;
  return new Promise((resolve) => {
    const nothing: Seen = {
      status: 0,
      origin: "",
      host: "",
      forwardedFor: "",
      who: "",
      length: 0,
      set: "",
      location: "",
      added: "",
      text: "",
    };
    const headers = {
      Host: host,
      Connection: "close",
      ...fields,
      ...(body === undefined ? {} : { "Content-Length": body.length, "Content-Type": "text/plain" }),
    };
    const asking = request(
      { port, host: "127.0.0.1", method, path: target, headers, agent: false },
      (answer) => {
        let text = "";
        answer.on("data", (bytes: Buffer) => (text += bytes.toString()));
        answer.on("error", () => resolve(nothing));
        answer.on("end", () => {
          const status = answer.statusCode ?? 0;
          const saw = answer.headers["x-saw"];
          const rest =
            saw === undefined
              ? {}
              : (JSON.parse(Buffer.from(String(saw), "base64").toString()) as Partial<Seen>);
          const location = (answer.headers.location ?? "").replace(
            /^http:\/\/[^/]*(?:127\.0\.0\.1|\.test)(?::\d+)?(?=\/)/,
            "",
          );
          const added = ["x-added", "x-powered-by"]
            .map((name) => String(answer.headers[name] ?? ""))
            .join("|");
          resolve({
            ...nothing,
            ...rest,
            status,
            location,
            added,
            text: saw === undefined && status < 300 ? text : "",
          });
        });
      },
    );
    asking.on("error", () => resolve(nothing));
    asking.end(body);
  });
}
