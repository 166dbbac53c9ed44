import net from "node:net";
import type { TestContext } from "node:test";
import { type ControlHandler, openControlListener } from "../../src/control/control-listener.ts";

/** A control listener on a free port of loopback. */
export async function listen(t: TestContext, handle: ControlHandler, takesBodies = false): Promise<number> {
  const address = { host: "127.0.0.1", port: 0 };
  const listener = await openControlListener({
    name: "test",
    address,
    takesBodies,
    handle,
    onAnswer: () => {},
  });
  t.after(() => listener.close());
  return "port" in listener.address ? listener.address.port : 0;
}

/** Sends raw bytes and resolves with everything that comes back until the server closes. */
export function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(request));
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

/** Status and body. */
export async function ask(
  port: number,
  requestLine: string,
  fields: readonly string[] = [],
  body = "",
): Promise<[number, string]> {
  const host = fields.some((field) => field.startsWith("Host:")) ? [] : ["Host: localhost"];
  const head = [`${requestLine} HTTP/1.1`, ...host, ...fields, "Connection: close", "", ""].join("\r\n");
  const answer = await exchange(port, head + body);
  return [Number(answer.split(" ")[1]), answer.slice(answer.indexOf("\r\n\r\n") + 4)];
}
