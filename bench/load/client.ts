import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from "node:tls";
import type { Traffic } from "./traffic.ts";

/** An answer read to the end of its body. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; the last one wins. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  /** The peer closed after it, within the time allowed. */
  readonly closed: boolean;
  readonly tls: { readonly version: string; readonly group: string; readonly suite: string } | undefined;
}

/** The only suite and group any generator offers, so that all candidates do the same arithmetic. */
export const suite = "TLS_AES_128_GCM_SHA256";
export const group = "X25519";

/** For `OPENSSL_CONF`: the same restriction for wrk. */
export const opensslConfText = `openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv1.3
Ciphersuites = ${suite}
Groups = ${group}
`;

/** Client side of every TLS connection the benchmark opens itself. One context: it is not what is measured. */
export function tlsOptions(port: number, localAddress = "127.0.0.1"): ConnectionOptions {
  return {
    host: "127.0.0.1",
    port,
    localAddress,
    servername: "localhost",
    secureContext,
    // The certificate is made for this run and signed by itself.
    rejectUnauthorized: false,
  } as ConnectionOptions;
}

const secureContext = createSecureContext({ minVersion: "TLSv1.3", ciphers: suite, ecdhCurve: group });

/** Sends `bytes` on a new connection and reads one answer with a Content-Length. Rejects after 5 s. */
export function ask(port: number, tls: boolean, bytes: string, untilClosed: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = tls ? connectTls(tlsOptions(port)) : connect(port, "127.0.0.1");
    const timer = setTimeout(() => fail(new Error("no whole answer within 5 s")), 5_000);
    let text = "";
    let facts: Answer["tls"];
    socket.setEncoding("latin1");
    socket.once(tls ? "secureConnect" : "connect", () => {
      if (tls) facts = tlsFacts(socket as TLSSocket);
      socket.write(bytes);
    });
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (!untilClosed && readAnswer(text) !== undefined) finish(false);
    });
    socket.once("end", () => finish(true));
    socket.once("error", fail);

    function finish(closed: boolean): void {
      clearTimeout(timer);
      socket.destroy();
      const answer = readAnswer(text);
      if (answer === undefined) reject(new Error(`broken answer: ${JSON.stringify(text.slice(0, 300))}`));
      else resolve({ ...answer, closed, tls: facts });
    }
    function fail(error: Error): void {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    }
  });
}

/** The same over HTTP/2 and TLS. Trailers are among the fields. */
export async function askHttp2(port: number, traffic: Traffic, authority: string): Promise<Answer> {
  const socket = connectTls({ ...tlsOptions(port), ALPNProtocols: ["h2"] });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(5_000) });
  const facts = tlsFacts(socket);
  const session = connectHttp2(`https://${authority}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  const fields = traffic.fields.map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const stream = session.request(
    {
      ":method": traffic.method,
      ":path": traffic.target,
      ":authority": authority,
      ...Object.fromEntries(fields),
    },
    { endStream: traffic.body === "" },
  );
  const answered = new Map<string, string>();
  const note = (got: IncomingHttpHeaders): void => {
    for (const [name, value] of Object.entries(got)) answered.set(name, String(value));
  };
  let body = "";
  stream.setEncoding("latin1");
  stream.on("response", note);
  stream.on("trailers", note);
  stream.on("data", (piece: string) => (body += piece));
  if (traffic.body !== "") stream.end(traffic.body, "latin1");
  try {
    await once(stream, "close", { signal: AbortSignal.timeout(5_000) });
  } finally {
    session.destroy();
  }
  return { status: Number(answered.get(":status")), fields: answered, body, closed: false, tls: facts };
}

/** The first answer in `text` as latin1, when it is whole; undefined as long as bytes are missing. */
export function readAnswer(text: string): Pick<Answer, "status" | "fields" | "body"> | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const length = Number(fields.get("content-length") ?? Number.NaN);
  const body = text.slice(end + 4);
  if (Number.isNaN(length) || body.length < length) return undefined;
  return { status: Number(first.split(" ")[1]), fields, body: body.slice(0, length) };
}

function tlsFacts(socket: TLSSocket): Answer["tls"] {
  const key = socket.getEphemeralKeyInfo();
  return {
    version: socket.getProtocol() ?? "",
    group: key !== null && "name" in key ? String(key.name) : "",
    suite: socket.getCipher().name,
  };
}
