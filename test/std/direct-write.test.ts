import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { DirectWrite } from "../../src/std/direct-write.ts";

// What the Node that runs the tests does is tried over loopback in outbox.test.ts. Here: what each kind of Node does.

class Request {
  oncomplete: ((status: number) => void) | null = null;
  buffer: Buffer | null = null;
}

/** A socket whose kernel takes `room` bytes. `gives`: what its stream hands to the handle. */
class FakeSocket {
  readonly written: Buffer[] = [];
  readonly requests: Request[] = [];
  room = Infinity;
  fault = 0;
  destroyedBy: Error | undefined;
  writableLength = 0;
  readonly _handle: Record<string, unknown>;
  readonly #gives: () => unknown;

  constructor(gives: () => unknown) {
    this.#gives = gives;
    this._handle = {
      writeQueueSize: 0,
      bytesWritten: 0,
      writeBuffer: (request: unknown, bytes: Buffer) => this.#take(request, bytes),
    };
  }

  #take(given: unknown, bytes: Buffer): number | Request {
    if (this.fault !== 0) return this.fault;
    this.written.push(Buffer.from(bytes));
    const isQueued = bytes.length > this.room;
    if (isQueued) this._handle["writeQueueSize"] = bytes.length - this.room;
    if (!isQueued && given === null) return 0;
    const request = given instanceof Request ? given : new Request();
    this.requests.push(request);
    return given === null ? request : 0;
  }

  write(bytes: Buffer): boolean {
    (this._handle["writeBuffer"] as (request: unknown, bytes: Buffer) => unknown)(this.#gives(), bytes);
    return true;
  }

  destroy(error?: Error): void {
    this.destroyedBy = error;
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }
}

const kinds = {
  "Node 24": () => new Request(),
  "Node 26": () => null,
};

for (const [name, gives] of Object.entries(kinds)) {
  test(`${name}: what the first write showed, later ones do`, () => {
    const direct = new DirectWrite();
    const line = new FakeSocket(gives);
    const owner = {
      queued: 0,
      taken: 0,
      onQueued: () => void owner.queued++,
      onTaken: () => void owner.taken++,
    };
    assert.equal(direct.write(line.socket, Buffer.from("one"), owner, true), true);
    assert.ok(direct.isDirect);
    line.write = () => assert.fail("by the stream");
    assert.equal(direct.write(line.socket, Buffer.from("two"), owner, true), true);
    line.room = 2;
    const three = Buffer.from("three");
    assert.equal(direct.write(line.socket, three, owner, true), false, "the bytes wait as they are");
    assert.deepEqual([owner.queued, owner.taken], [1, 0]);
    assert.equal(line.requests.at(-1)!.buffer, three, "and are kept alive");
    assert.equal(direct.write(line.socket, Buffer.from("four"), owner, true), true, "a copy waits");
    line.requests.at(-1)!.oncomplete!(0);
    assert.deepEqual([owner.queued, owner.taken], [2, 1]);
    assert.equal(line.written.map(String).join(), "one,two,three,four");
  });

  test(`${name}: a fault at once and one later destroy the socket`, () => {
    const direct = new DirectWrite();
    const owner = { onQueued: () => {}, onTaken: () => assert.fail("taken") };
    const line = new FakeSocket(gives);
    direct.write(line.socket, Buffer.from("one"), owner, true);
    line.room = 0;
    direct.write(line.socket, Buffer.from("two"), owner, true);
    line.requests.at(-1)!.oncomplete!(-104);
    assert.match(String(line.destroyedBy), /ECONNRESET/);
    const other = new FakeSocket(gives);
    other.fault = -32;
    assert.equal(direct.write(other.socket, Buffer.from("three"), owner, true), true);
    assert.match(String(other.destroyedBy), /EPIPE/);
  });
}

test("a Node that hands over something else goes on by the stream, from the first write on", () => {
  for (const strange of [undefined, 7, {}, Object.create(null)]) {
    const direct = new DirectWrite();
    const line = new FakeSocket(() => strange);
    const owner = { onQueued: () => {}, onTaken: () => {} };
    for (const word of ["one", "two"]) direct.write(line.socket, Buffer.from(word), owner, true);
    assert.ok(!direct.isDirect);
    assert.equal(line.written.map(String).join(), "one,two");
    assert.equal(line.destroyedBy, undefined);
  }
});
