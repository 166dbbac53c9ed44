import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What reached the far side of a candidate. Field names in lower case, repeated fields joined with ", ". */
export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
  /** As `shortened`. */
  readonly body: string;
}

/** A long body is told by length and digest. */
export function shortened(body: string): string {
  if (body.length <= 65_536) return body;
  return `${body.length} B, SHA-256 ${createHash("sha256").update(body).digest("hex")}`;
}

/** A small server behind the origin that answers with the request it saw, as JSON. Not part of any timing. */
export async function startWitness(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const fields: Record<string, string> = {};
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      const name = request.rawHeaders[at]!.toLowerCase();
      const value = request.rawHeaders[at + 1]!;
      fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`;
    }
    const seen: Seen = {
      method: request.method ?? "",
      target: request.url ?? "",
      fields,
      body: shortened(body),
    };
    const answer = Buffer.from(JSON.stringify(seen));
    // The length is written here because Node leaves it out for nginx, which asks in HTTP/1.0.
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": answer.length });
    response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
