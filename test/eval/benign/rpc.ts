import type { Draw } from "./draw.ts";
import { json, lines, send, type Template, texts } from "./template.ts";

/** Binary and remote-call protocols. */
export const rpc: readonly Template[] = [
  {
    name: "grpc-web",
    make: (d) =>
      send("POST", "/acme.shop.v1.Orders/List", "application/grpc-web+proto", frame(message(d)), [
        ["X-Grpc-Web", "1"],
        ["X-User-Agent", "grpc-web-javascript/0.1"],
        ["grpc-timeout", "10S"],
      ]),
  },
  {
    name: "grpc-web-text",
    make: (d) =>
      send(
        "POST",
        "/acme.shop.v1.Orders/Get",
        "application/grpc-web-text",
        frame(message(d)).toString("base64"),
        [
          ["X-Grpc-Web", "1"],
          ["Accept", "application/grpc-web-text"],
        ],
      ),
  },
  {
    name: "protobuf",
    make: (d) =>
      send(
        "POST",
        "/v1/metrics",
        "application/x-protobuf",
        Buffer.concat(Array.from({ length: 20 }, () => message(d))),
        [["User-Agent", "OTel-OTLP-Exporter-Python/1.25.0"]],
      ),
  },
  {
    name: "prometheus-remote-write",
    make: (d) =>
      send("POST", "/api/v1/write", "application/x-protobuf", Buffer.concat([message(d), d.bytes(900)]), [
        ["Content-Encoding", "identity"],
        ["X-Prometheus-Remote-Write-Version", "0.1.0"],
      ]),
  },
  {
    name: "connect-json",
    make: (d) =>
      json(
        "POST",
        "/acme.shop.v1.Orders/Create",
        { name: d.turn(lines("names")), note: d.turn(texts("prose")) },
        [["Connect-Protocol-Version", "1"]],
      ),
  },
  {
    name: "message-pack",
    make: (d) =>
      send(
        "POST",
        "/api/sync",
        "application/msgpack",
        pack([
          "sync",
          d.turn(texts("prose")),
          { id: d.int(1, 99), name: d.turn(lines("names")), blob: d.base64(60) },
        ]),
      ),
  },
  {
    name: "cbor",
    make: (d) =>
      send(
        "POST",
        "/webauthn/finish",
        "application/cbor",
        Buffer.concat([
          Buffer.from([0xa3, 0x63]),
          Buffer.from("fmt"),
          Buffer.from([0x64]),
          Buffer.from("none"),
          Buffer.from([0x68]),
          Buffer.from("authData"),
          Buffer.from([0x58, 164]),
          d.bytes(164),
        ]),
      ),
  },
  {
    name: "webauthn-json",
    make: (d) =>
      json("POST", "/webauthn/finish", {
        id: d.base64url(32),
        rawId: d.base64url(32),
        type: "public-key",
        response: {
          clientDataJSON: Buffer.from(
            JSON.stringify({
              type: "webauthn.get",
              challenge: d.base64url(32),
              origin: "https://example.com",
              crossOrigin: false,
            }),
          ).toString("base64url"),
          authenticatorData: d.base64url(37),
          signature: d.base64url(71),
        },
      }),
  },
  {
    name: "json-rpc",
    make: (d) =>
      json("POST", "/rpc", {
        jsonrpc: "2.0",
        id: d.int(1, 99),
        method: "eth_call",
        params: [{ to: `0x${d.hex(40)}`, data: `0x70a08231${d.hex(64)}` }, "latest"],
      }),
  },
  {
    name: "aws-json",
    make: (d) =>
      send(
        "POST",
        "/",
        "application/x-amz-json-1.0",
        JSON.stringify({
          TableName: "orders",
          KeyConditionExpression: "#pk = :id AND begins_with(#sk, :p)",
          FilterExpression: "attribute_exists(#t) AND (#t > :min OR contains(tags, :tag))",
          ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk", "#t": "total" },
          ExpressionAttributeValues: {
            ":id": { S: "user#o'brien" },
            ":p": { S: "order#" },
            ":min": { N: String(d.int(1, 99)) },
          },
        }),
        [["X-Amz-Target", "DynamoDB_20120810.Query"]],
      ),
  },
  {
    name: "aws-query",
    make: (d) =>
      send(
        "POST",
        "/",
        "application/x-www-form-urlencoded; charset=utf-8",
        `Action=SendMessage&Version=2012-11-05&QueueUrl=https%3A%2F%2Fsqs.eu-central-1.amazonaws.com%2F123456789012%2Fq&MessageBody=${encodeURIComponent(JSON.stringify({ cmd: "exec", note: "it's ok; go", n: d.int(1, 99) }))}&MessageAttribute.1.Name=a`,
      ),
  },
  {
    name: "s3-delete",
    make: (d) =>
      send(
        "POST",
        "/bucket/?delete",
        "application/xml",
        `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a/b &amp; c/it's (${d.int(1, 99)}).txt</Key></Object><Quiet>true</Quiet></Delete>`,
        [["Content-MD5", d.base64(16)]],
      ),
  },
  {
    name: "s3-policy",
    make: (d) =>
      json("PUT", "/bucket/?policy", {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "AllowGet",
            Effect: "Allow",
            Principal: "*",
            Action: ["s3:GetObject", "s3:List*"],
            Resource: "arn:aws:s3:::bucket/${aws:username}/*",
            Condition: {
              IpAddress: { "aws:SourceIp": "192.0.2.0/24" },
              StringLike: { "aws:Referer": "https://*.example.com/*" },
              n: d.int(1, 9),
            },
          },
        ],
      }),
  },
  {
    name: "server-action",
    make: (d) =>
      send(
        "POST",
        "/account?tab=a",
        "text/plain;charset=UTF-8",
        `["$K1",{"name":"O'Neill","when":"$D2025-03-04T10:12:33.000Z","n":"$n${d.int(1, 99)}","undef":"$undefined"}]`,
        [
          ["Next-Action", d.hex(40)],
          [
            "Next-Router-State-Tree",
            encodeURIComponent(
              '["",{"children":["account",{"children":["__PAGE__?{\\"tab\\":\\"a\\"}",{}]}]},null,null,true]',
            ),
          ],
        ],
      ),
  },
  {
    name: "livewire",
    make: (d) =>
      json("POST", "/livewire/update", {
        _token: d.token(40),
        components: [
          {
            snapshot: JSON.stringify({
              data: { search: "o'b", filters: [[], { s: "arr" }] },
              memo: { id: d.token(20), name: "table", path: "users?page=1" },
              checksum: d.hex(64),
            }),
            updates: { search: d.turn(lines("names")) },
            calls: [{ path: "", method: "$refresh", params: [] }],
          },
        ],
      }),
  },
  {
    name: "signalr",
    make: (d) =>
      send(
        "POST",
        `/hub?id=${d.base64url(16)}`,
        "text/plain;charset=UTF-8",
        `{"type":1,"target":"Send","arguments":["${d.turn(["it's me", "a & b; c", "<3"])}"]}\x1e`,
      ),
  },
  {
    name: "socket-io",
    make: (d) =>
      send(
        "POST",
        `/socket.io/?EIO=4&transport=polling&t=${d.token(7)}&sid=${d.base64url(15)}`,
        "text/plain;charset=UTF-8",
        `42${JSON.stringify(["chat message", d.turn(lines("chat"))])}`,
      ),
  },
  {
    name: "mcp",
    make: (d) =>
      json(
        "POST",
        "/mcp",
        {
          jsonrpc: "2.0",
          id: d.int(1, 99),
          method: "tools/call",
          params: {
            name: "search_docs",
            arguments: { query: d.turn(lines("searches")), path: "src/**/*.ts" },
          },
        },
        [["Accept", "application/json, text/event-stream"]],
      ),
  },
  {
    name: "thrift-like",
    make: (d) =>
      send(
        "POST",
        "/thrift",
        "application/octet-stream",
        Buffer.concat([Buffer.from([0x80, 1, 0, 1, 0, 0, 0, 4]), Buffer.from("ping"), d.bytes(400)]),
      ),
  },
  {
    name: "dns-message",
    make: (d) =>
      send(
        "POST",
        "/dns-query",
        "application/octet-stream",
        Buffer.concat([
          d.bytes(2),
          Buffer.from([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3]),
          Buffer.from("www"),
          Buffer.from([7]),
          Buffer.from("example"),
          Buffer.from([3]),
          Buffer.from("com"),
          Buffer.from([0, 0, 1, 0, 1]),
        ]),
      ),
  },
];

/** Fields of a protobuf message: numbers, strings and a nested message. */
function message(d: Draw): Buffer {
  const text = (field: number, value: string): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([
      Buffer.from([
        (field << 3) | 2,
        (bytes.length & 127) | (bytes.length > 127 ? 128 : 0),
        ...(bytes.length > 127 ? [bytes.length >> 7] : []),
      ]),
      bytes,
    ]);
  };
  return Buffer.concat([
    Buffer.from([8, d.int(1, 127), 0x11]),
    d.bytes(8),
    text(3, d.turn(lines("names"))),
    text(4, `orders/${d.uuid()}`),
    text(5, d.turn(texts("prose")).slice(0, 150)),
    text(6, "created_at desc, name"),
  ]);
}

/** A gRPC frame: not compressed, length, message. */
function frame(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** MessagePack of strings, small numbers, arrays and maps. */
function pack(value: unknown): Buffer {
  if (typeof value === "number") return Buffer.from([value & 127]);
  if (typeof value === "string") {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([0xda, bytes.length >> 8, bytes.length & 255]), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([0x90 | value.length]), ...value.map(pack)]);
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  return Buffer.concat([Buffer.from([0x80 | entries.length]), ...entries.flat().map(pack)]);
}
