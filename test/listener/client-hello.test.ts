import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import fc from "fast-check";
import { readClientHello } from "../../src/listener/client-hello.ts";

/** What Node's own client begins with. */
async function helloOf(servername: string, protocols: readonly string[]): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = net.createServer((socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) resolve(bytes);
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as net.AddressInfo;
  const client = connect({
    host: "127.0.0.1",
    port,
    ALPNProtocols: [...protocols],
    ...(servername === "" ? {} : { servername }),
  });
  client.on("error", () => {});
  const bytes = await promise;
  client.destroy();
  server.close();
  return bytes;
}

test("name and protocols of real hellos are read, and not before all of it is here", async () => {
  for (const [name, protocols] of [
    ["shop.test", ["acme-tls/1"]],
    ["a.b.test", ["h2", "http/1.1"]],
    ["", []],
  ] as const) {
    const bytes = await helloOf(name, protocols);
    assert.deepEqual(readClientHello(bytes), { serverName: name, protocols: [...protocols] });
    assert.deepEqual(readClientHello(Buffer.concat([bytes, Buffer.from("more")])), {
      serverName: name,
      protocols: [...protocols],
    });
    for (let size = 0; size < bytes.length; size++)
      assert.equal(readClientHello(bytes.subarray(0, size)), undefined, `${size} bytes`);
  }
});

test("what is no hello is known by its first bytes", () => {
  assert.equal(readClientHello(Buffer.from("GET / HTTP/1.1\r\n")), "other");
  assert.equal(readClientHello(Buffer.from([22, 3, 1, 0xff, 0xff])), "other");
  assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 1, 2])), "other");
  assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 0])), "other");
});

test("no bytes make it throw, wait for more than a record, or read past its end", async () => {
  const good = await helloOf("shop.test", ["acme-tls/1"]);
  const broken = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = Buffer.from(good);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const any = fc.oneof(
    broken,
    fc.uint8Array({ maxLength: 600 }),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => {
      const size = bytes.length;
      return Buffer.concat([Buffer.from([22, 3, 1, size >> 8, size & 255, 1]), bytes]);
    }),
  );
  fc.assert(
    fc.property(any, (bytes) => {
      const read = readClientHello(bytes);
      if (read === undefined) assert.ok(bytes.length < 16_389);
      // What it says does not depend on what follows the record.
      if (read !== undefined)
        assert.deepEqual(readClientHello(Buffer.concat([bytes, Buffer.alloc(9, 22)])), read);
    }),
  );
});
