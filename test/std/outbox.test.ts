import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import tls from "node:tls";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { makeSelfSigned } from "../../src/cert/self-signed.ts";
import { DirectWrite, isWaiting } from "../../src/std/direct-write.ts";
import { GATHERED_BYTES, type Leaver, Outbox } from "../../src/std/outbox.ts";
import { Xorshift } from "../../src/std/xorshift.ts";
import { newDirectory } from "../support/directory.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** One connection over loopback: the end that the outbox writes to, and the reader at the other. */
interface Line {
  readonly socket: net.Socket;
  readonly reader: net.Socket;
  readonly leaver: Leaver & { queued: number; taken: number };
}

async function openLine(t: TestContext, isEncrypted = false): Promise<Line> {
  const accepted: net.Socket[] = [];
  const { certPem, keyPem } = makeSelfSigned({ names: ["localhost"], days: 2 });
  const server = isEncrypted
    ? tls.createServer({ cert: certPem, key: keyPem }, (socket) => accepted.push(socket))
    : net.createServer((socket) => accepted.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const reader = isEncrypted
    ? tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false })
    : net.connect(port, "127.0.0.1");
  await once(reader, isEncrypted ? "secureConnect" : "connect");
  while (accepted.length === 0) await turn();
  const socket = accepted[0]!;
  reader.on("error", () => {});
  t.after(() => {
    reader.destroy();
    socket.destroy();
    server.close();
  });
  const leaver = {
    leftTurn: -1,
    queued: 0,
    taken: 0,
    onQueued: () => void leaver.queued++,
    onTaken: () => void leaver.taken++,
  };
  socket.on("drain", leaver.onTaken);
  return { socket, reader, leaver };
}

async function openSilentLines(t: TestContext, file: string, count: number): Promise<Line[]> {
  const accepted: net.Socket[] = [];
  const server = net.createServer((socket) => accepted.push(socket)).listen(file);
  await once(server, "listening");
  // Paused before they read anything.
  const readers = Array.from({ length: count }, () => net.connect(file).pause());
  while (accepted.length < count) await turn();
  t.after(() => {
    for (const socket of [...readers, ...accepted]) socket.destroy();
    server.close();
  });
  return accepted.map((socket, i) => ({
    socket,
    reader: readers[i]!,
    leaver: { leftTurn: -1, queued: 0, taken: 0, onQueued() {}, onTaken() {} },
  }));
}

/** Bytes of all buffers that somebody needs. */
async function countBuffers(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await turn();
  }
  return process.memoryUsage().arrayBuffers;
}

/** Adds `length` bytes that tell where they are from. */
function gather(outbox: Outbox, line: Line, isEncrypted: boolean, text: Buffer): void {
  outbox.append(text, 0, text.length, line.socket, isEncrypted);
}

for (const [isEncrypted, isDirect] of [
  [false, true],
  [false, false],
  [true, true],
] as const) {
  const how = isEncrypted ? "TLS sockets" : isDirect ? "plain sockets" : "plain sockets, by their streams,";
  test(`whatever leaves, is flushed or settles, ${how} get their bytes in order`, async (t) => {
    const lines = await Promise.all(Array.from({ length: 5 }, () => openLine(t, isEncrypted)));
    const outbox = new Outbox(undefined, new DirectWrite(isDirect));
    const random = new Xorshift(7);
    const sent = lines.map(() => createHash("sha256"));
    const received = lines.map(() => createHash("sha256"));
    const counts = lines.map(() => ({ sent: 0, received: 0 }));
    lines.forEach(({ reader }, i) => {
      reader.on("data", (bytes) => {
        received[i]!.update(bytes);
        counts[i]!.received += bytes.length;
      });
    });
    let left = 0;
    for (let step = 0; step < 4000; step++) {
      const i = random.below(lines.length);
      const line = lines[i]!;
      // Some readers stop now and then: their bytes queue up, in libuv or in the stream.
      if (random.below(50) === 0) line.reader.pause();
      if (random.below(20) === 0) for (const { reader } of lines) reader.resume();
      const size = random.below(40) === 0 ? 90_000 : random.below(10) === 0 ? 20_000 : 1 + random.below(2000);
      const text = Buffer.alloc(size, `${step}:${i},`);
      gather(outbox, line, isEncrypted, text);
      sent[i]!.update(text);
      counts[i]!.sent += size;
      if (random.below(5) === 0) outbox.flush(line.socket, isEncrypted);
      else {
        outbox.leave(line.leaver, line.socket, isEncrypted);
        left++;
      }
      if (random.below(40) === 0) outbox.settle();
      if (random.below(30) === 0) await turn();
    }
    for (const { reader } of lines) reader.resume();
    while (counts.some((one) => one.received < one.sent)) await turn();
    assert.ok(left > 3000);
    sent.forEach((hash, i) => {
      assert.equal(received[i]!.digest("hex"), hash.digest("hex"), `line ${i}`);
    });
  });
}

test("what the kernel does not take stays as it is, however much leaves meanwhile, and its owner is told", async (t) => {
  const [slow, other] = [await openLine(t), await openLine(t)];
  other.reader.resume();
  const outbox = new Outbox();
  const hash = createHash("sha256");
  let bytes = 0;
  for (let i = 0; slow.leaver.queued < 5; i++) {
    const text = Buffer.alloc(8000, `piece ${i} `);
    hash.update(text);
    bytes += text.length;
    gather(outbox, slow, false, text);
    outbox.leave(slow.leaver, slow.socket, false);
    gather(outbox, other, false, Buffer.alloc(5000, "other"));
    outbox.leave(other.leaver, other.socket, false);
    await turn();
    assert.ok(bytes < 1e8);
  }
  assert.equal(slow.leaver.taken, 0);
  const got = createHash("sha256");
  slow.reader.on("data", (part) => {
    got.update(part);
    bytes -= part.length;
  });
  while (bytes > 0 || slow.leaver.taken < 5) await turn();
  assert.equal(got.digest("hex"), hash.digest("hex"));
});

for (const how of ["leave", "flush"] as const) {
  test(`clients that take nothing keep what they were sent, and no buffer each: ${how}`, async (t) => {
    // Unix sockets: their kernel buffers are small.
    const folder = newDirectory("outbox");
    const lines = await openSilentLines(t, path.join(folder, "s"), 40);
    const outbox = new Outbox();
    // What an outbox writes first teaches it how.
    const first = await openLine(t);
    gather(outbox, first, false, Buffer.from("first"));
    outbox.leave(first.leaver, first.socket, false);
    outbox.settle();
    const before = await countBuffers();
    const text = Buffer.alloc(3000, "answer ");
    for (const line of lines) {
      while (!isWaiting(line.socket)) {
        gather(outbox, line, false, text);
        if (how === "flush") outbox.flush(line.socket, false);
        else outbox.leave(line.leaver, line.socket, false);
        outbox.settle();
      }
    }
    const kept = (await countBuffers()) - before;
    assert.ok(kept >= 0 && kept < 2_000_000, `${kept} bytes for ${lines.length} clients`);
    // Whoever takes its bytes makes room.
    for (const { reader } of lines) reader.resume();
    while (lines.some(({ socket }) => isWaiting(socket))) await turn();
  });
}

test("no write gets the request of another, for the kernel may have taken all and not have told yet", async (t) => {
  const { socket, leaver } = await openLine(t);
  const direct = new DirectWrite();
  // Node's own, from which the kind of request is learned.
  direct.write(socket, Buffer.from("first"), leaver, true);
  const { _handle: handle } = socket as unknown as {
    readonly _handle: { writeBuffer(request: object | null, bytes: Uint8Array): number };
  };
  const requests: object[] = [];
  const { writeBuffer } = handle;
  handle.writeBuffer = (request, bytes) => {
    // Node 26 makes them itself, when some of the bytes wait.
    requests.push(request ?? {});
    return writeBuffer.call(handle, request, bytes);
  };
  for (const text of ["second", "third", "fourth"]) direct.write(socket, Buffer.from(text), leaver, true);
  assert.equal(new Set(requests).size, 3);
});

test("what is gathered later goes on where it was when others settle", async (t) => {
  const [a, b] = [await openLine(t), await openLine(t)];
  const outbox = new Outbox();
  gather(outbox, a, false, Buffer.from("first "));
  outbox.leave(a.leaver, a.socket, false);
  assert.ok(outbox.isLeaving(a.leaver));
  gather(outbox, b, false, Buffer.from("half"));
  outbox.settle();
  assert.ok(!outbox.isLeaving(a.leaver));
  gather(outbox, b, false, Buffer.from(" a message"));
  outbox.flush(b.socket, false);
  assert.equal(String((await once(a.reader, "data"))[0]), "first ");
  assert.equal(String((await once(b.reader, "data"))[0]), "half a message");
});

test("two messages of one socket in one turn are one write", async (t) => {
  const line = await openLine(t);
  const outbox = new Outbox();
  for (const text of ["one,", "two"]) {
    gather(outbox, line, false, Buffer.from(text));
    outbox.leave(line.leaver, line.socket, false);
  }
  assert.equal(String((await once(line.reader, "data"))[0]), "one,two");
});

test("a thousand messages of one socket in one turn are never more than the room for them", async (t) => {
  const line = await openLine(t);
  const outbox = new Outbox();
  const sent = createHash("sha256");
  let bytes = 0;
  for (let i = 0; i < 1000; i++) {
    // Printed at offsets of its own, as heads are: the room for the largest is always there.
    assert.ok(outbox.room >= GATHERED_BYTES, `${outbox.room} at ${i}`);
    const text = `answer ${i} `.repeat(50);
    outbox.end += outbox.bytes.latin1Write(text, outbox.end);
    sent.update(text);
    bytes += text.length;
    outbox.leave(line.leaver, line.socket, false);
  }
  const received = createHash("sha256");
  line.reader.on("data", (part) => {
    received.update(part);
    bytes -= part.length;
  });
  while (bytes > 0) await turn();
  assert.equal(received.digest("hex"), sent.digest("hex"));
});

test("what is dropped takes nothing along that leaves", async (t) => {
  const line = await openLine(t);
  const outbox = new Outbox();
  gather(outbox, line, false, Buffer.from("kept"));
  outbox.leave(line.leaver, line.socket, false);
  gather(outbox, line, false, Buffer.from("half an answer"));
  outbox.drop();
  assert.equal(String((await once(line.reader, "data"))[0]), "kept");
});

test("a socket that is gone before the turn ends costs the others nothing", async (t) => {
  const [gone, other] = [await openLine(t), await openLine(t)];
  const outbox = new Outbox();
  for (const line of [gone, other]) {
    gather(outbox, line, false, Buffer.from("hello"));
    outbox.leave(line.leaver, line.socket, false);
  }
  gone.socket.destroy();
  assert.equal(String((await once(other.reader, "data"))[0]), "hello");
});

test("a write that throws ends its socket, and no byte of it reaches another, now or in a later turn", async (t) => {
  const [bad, other] = [await openLine(t), await openLine(t)];
  const outbox = new Outbox();
  const say = (line: Line, text: string): void => {
    gather(outbox, line, false, Buffer.from(text));
    outbox.leave(line.leaver, line.socket, false);
  };
  // What an outbox writes first teaches it how.
  say(other, "zero ");
  outbox.settle();
  const { _handle: handle } = bad.socket as unknown as { readonly _handle: { writeBuffer: unknown } };
  handle.writeBuffer = () => {
    throw new Error("a bug");
  };
  const failed = once(bad.socket, "error");
  say(bad, "secret of another");
  say(other, "one ");
  await failed;
  say(other, "two");
  let text = "";
  other.reader.on("data", (part) => {
    text += part;
  });
  while (!text.endsWith("two")) await turn();
  assert.equal(text, "zero one two");
  assert.ok(bad.socket.destroyed);
});

test("an error of a write is the socket's", async (t) => {
  const line = await openLine(t);
  const outbox = new Outbox();
  const failed = once(line.socket, "error");
  line.socket.resume();
  line.reader.resetAndDestroy();
  const writing = setInterval(() => {
    gather(outbox, line, false, Buffer.from("hello"));
    outbox.leave(line.leaver, line.socket, false);
  }, 1);
  t.after(() => clearInterval(writing));
  const [error] = (await failed) as [NodeJS.ErrnoException];
  assert.match(error.code ?? "", /^(ECONNRESET|EPIPE)$/);
  while (!line.socket.destroyed) await turn();
});
