import type net from "node:net";

/** A request names a program and its arguments; nothing here is longer. */
const lineBytesMax = 65_536;

/**
 * Everything that is said on the control socket: a line of JSON each. `zion upgrade` asks for an upgrade and hears how it
 * went; the new primary says the key it was started with, gets what it needs, and says when it serves.
 */
export type ControlAsk =
  | { readonly type: "upgrade"; readonly command: readonly string[] }
  | { readonly type: "takeover"; readonly key: string }
  | { readonly type: "serving" };
export type ControlReply =
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "upgraded"; readonly pid: number }
  | { readonly type: "failed"; readonly problem: string }
  /** What a successor goes on with, in base64. */
  | { readonly type: "estate"; readonly ticketKeys: string; readonly tokenDigest: string | undefined }
  /** The telemetry and admin listeners and the state directory are free. */
  | { readonly type: "released" };

/** Calls back for each whole line. A line that is no JSON object, or too long, ends the connection. */
export function readLines(socket: net.Socket, onLine: (message: Record<string, unknown>) => void): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (part: string) => {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const message = parseObject(text.slice(0, end));
      text = text.slice(end + 1);
      if (message === undefined) return void socket.destroy();
      onLine(message);
    }
    if (text.length > lineBytesMax) socket.destroy();
  });
}

export function writeLine(socket: net.Socket, message: ControlAsk | ControlReply): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
