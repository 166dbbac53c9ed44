import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { systemConfig } from "./config.ts";

// Real ends on both sides: the `ws` package as client and server, and the WebSocket that browsers and Node have.

interface Setting {
  readonly gateway: Gateway;
  readonly server: WebSocketServer;
}

async function start(t: TestContext, route = ""): Promise<Setting> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has("chat") ? "chat" : false),
  });
  await once(server, "listening");
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const gateway = await startGateway(
    t,
    systemConfig((server.address() as AddressInfo).port, { route: `mode = "websocket"\n${route}` }),
    { tls: true },
  );
  return { gateway, server };
}

for (const transport of ["ws", "wss"] as const) {
  for (const compressed of [false, true]) {
    test(`${transport}: messages of any size come back, ${compressed ? "compressed" : "plain"}`, async (t) => {
      const { gateway } = await start(t);
      const port = transport === "ws" ? gateway.port : gateway.tlsPort;
      const client = new WebSocket(`${transport}://localhost:${port}/chat?room=1`, ["chat"], {
        perMessageDeflate: compressed,
        rejectUnauthorized: false,
      });
      await once(client, "open");
      assert.equal(client.protocol, "chat");
      assert.equal(client.extensions.includes("permessage-deflate"), compressed);
      for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
        const message = size % 2 === 0 ? randomBytes(size) : Buffer.alloc(size, "text");
        client.send(message);
        const [echo, isBinary] = (await once(client, "message")) as [Buffer, boolean];
        assert.ok(isBinary && echo.equals(message), `${size} bytes`);
      }
      client.send("Grüße, 世界");
      const [text] = (await once(client, "message")) as [Buffer];
      assert.equal(text.toString(), "Grüße, 世界");
      client.ping("are you there");
      assert.equal(String((await once(client, "pong"))[0]), "are you there");
      client.close(4321, "enough");
      const [code, reason] = (await once(client, "close")) as [number, Buffer];
      assert.deepEqual([code, reason.toString()], [4321, "enough"]);
    });
  }
}

test("a server's close code reaches the client, and a client's the server", async (t) => {
  const { gateway, server } = await start(t);
  const connected = once(server, "connection") as Promise<[WebSocket]>;
  const first = new WebSocket(`ws://127.0.0.1:${gateway.port}/`);
  const [far] = await connected;
  far.close(4000, "full");
  assert.equal((await once(first, "close"))[0], 4000);
  const again = once(server, "connection") as Promise<[WebSocket]>;
  const second = new WebSocket(`ws://127.0.0.1:${gateway.port}/`);
  await once(second, "open");
  const [farther] = await again;
  const farEnd = once(farther, "close");
  second.close(4001, "bye");
  assert.equal((await farEnd)[0], 4001);
});

test("the WebSocket of browsers connects, and closes with 1001 when the gateway stops", async (t) => {
  const { gateway, server } = await start(t);
  const client = new globalThis.WebSocket(`ws://127.0.0.1:${gateway.port}/chat`, "chat");
  await once(client, "open");
  client.send("hello");
  const [event] = (await once(client, "message")) as [MessageEvent];
  assert.equal(event.data, "hello");
  const [far] = server.clients;
  const farEnd = once(far!, "close");
  const closed = once(client, "close");
  gateway.signal("SIGTERM");
  const [end] = (await closed) as [CloseEvent];
  assert.deepEqual([end.code, end.wasClean], [1001, true]);
  assert.equal((await farEnd)[0], 1001);
  assert.equal((await gateway.exited).code, 143);
});

test("a page of another origin is refused, and ws says so", async (t) => {
  const { gateway } = await start(t, 'websocket_origins = ["https://app.test"]');
  const refused = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { origin: "https://evil.test" });
  const [, response] = (await once(refused, "unexpected-response")) as [unknown, { statusCode: number }];
  assert.equal(response.statusCode, 403);
  refused.on("error", () => undefined);
  refused.terminate();
  const allowed = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { origin: "https://app.test" });
  await once(allowed, "open");
  allowed.terminate();
});
