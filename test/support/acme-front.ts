import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request as forward } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import type { Pebble } from "./pebble.ts";

/** Stands before a CA and passes on, but for what the test wants to be answered otherwise. */
export interface AcmeFront {
  readonly directoryUrl: string;
  readonly origin: string;
  readonly caPem: string;
  /** Method and path of every request, in order. */
  readonly asked: readonly string[];
  /** Signed payloads, decoded, by path. */
  readonly payloads: readonly { readonly path: string; readonly payload: string }[];
  /** True = it has answered, or never will; false = the CA answers. */
  handle: FrontHandler;
  /** Changes what the CA answered. */
  edit: (path: string, answer: FrontAnswer) => FrontAnswer;
}

export type FrontHandler = (path: string, response: ServerResponse) => boolean | Promise<boolean>;

export interface FrontAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export async function startAcmeFront(
  t: Pick<TestContext, "after">,
  pebble: Pick<Pebble, "origin" | "caPem"> | undefined,
): Promise<AcmeFront> {
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  const asked: string[] = [];
  const payloads: { path: string; payload: string }[] = [];
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "";
    const body = await textOf(request);
    asked.push(`${request.method} ${path}`);
    if (body !== "") {
      const { payload } = JSON.parse(body) as { readonly payload: string };
      payloads.push({ path, payload: Buffer.from(payload, "base64url").toString() });
    }
    if (await front.handle(path, response)) return;
    if (pebble === undefined) {
      response.writeHead(404).end();
      return;
    }
    const passed = await pass(pebble, request, body);
    const edited = front.edit(path, passed.answer);
    response.writeHead(edited.status, { ...passed.headers, "content-type": edited.type }).end(edited.body);
  };

  const front: AcmeFront = {
    directoryUrl: `${origin}/dir`,
    origin,
    caPem: certPem,
    asked,
    payloads,
    handle: () => false,
    edit: (_path, passed) => passed,
  };
  return front;
}

/** pebble makes its URLs from the Host that it is asked for. */
function pass(
  pebble: Pick<Pebble, "origin" | "caPem">,
  request: IncomingMessage,
  body: string,
): Promise<{ readonly answer: FrontAnswer; readonly headers: Record<string, string> }> {
  return new Promise((resolve, reject) => {
    const { host = "", "content-type": type = "application/json" } = request.headers;
    const options = {
      method: request.method,
      ca: pebble.caPem,
      agent: false,
      headers: { host, "content-type": type, "content-length": Buffer.byteLength(body) },
    } as const;
    const outgoing = forward(`${pebble.origin}${request.url}`, options, (incoming) => {
      void textOf(incoming).then((text) => {
        const headers: Record<string, string> = {};
        for (const name of ["location", "replay-nonce", "link", "retry-after"]) {
          const value = incoming.headers[name];
          if (value !== undefined) headers[name] = String(value);
        }
        resolve({
          answer: { status: incoming.statusCode!, type: incoming.headers["content-type"] ?? "", body: text },
          headers,
        });
      }, reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
