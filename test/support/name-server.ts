import dgram from "node:dgram";
import type { TestContext } from "node:test";

/** A DNS server that has 127.0.0.1 for every name, and nothing else of it. Returns its port. */
export async function startNameServer(t: Pick<TestContext, "after">): Promise<number> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, { port, address }) => socket.send(answerTo(query), port, address));
  await new Promise<void>((listening) => socket.bind(0, "127.0.0.1", listening));
  t.after(() => socket.close());
  return socket.address().port;
}

const A = 1;

function answerTo(query: Buffer): Buffer {
  // The question ends with the name's zero byte, a type and a class; what follows it (EDNS) is not repeated.
  const end = query.indexOf(0, 12) + 5;
  const isAddress = query.readUInt16BE(end - 4) === A;
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8580, 2); // answer, authoritative
  head.writeUInt16BE(isAddress ? 1 : 0, 6);
  head.fill(0, 8);
  // A pointer to the name of the question, A, IN, 60 s, four bytes.
  const record = Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat([head, query.subarray(12, end), ...(isAddress ? [record] : [])]);
}
