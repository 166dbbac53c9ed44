import http from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** A span as a collector reads it from OTLP's protobuf (opentelemetry-proto v1 trace.proto). */
export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** "" = none. */
  readonly parentId: string;
  readonly name: string;
  /** 2 = server, 3 = client. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** 0 = unset, 2 = error. */
  readonly status: number;
}

export interface Collector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Status of the answers from now on. */
  status: number;
  /** Resolves with the first span that fits. */
  span(fits: (span: CollectedSpan) => boolean): Promise<CollectedSpan>;
}

/** An OTLP collector over HTTP. */
export async function startCollector(t: TestContext): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const waiting = new Set<() => void>();
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (collector.status === 200) spans.push(...readRequest(Buffer.concat(parts)));
      response.writeHead(collector.status, { "Content-Type": "application/x-protobuf" }).end();
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    status: 200,
    span: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = spans.find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
  return collector;
}

function readRequest(bytes: Buffer): CollectedSpan[] {
  return messages(bytes, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0] ?? Buffer.alloc(0), 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => readSpan(span, String(resource["service.name"]))),
    );
  });
}

function readSpan(bytes: Buffer, service: string): CollectedSpan {
  const hex = (field: number): string => messages(bytes, field)[0]?.toString("hex") ?? "";
  const number = (field: number): bigint => {
    const value = fieldsOf(bytes).find((one) => one.field === field)?.value;
    return typeof value === "bigint" ? value : 0n;
  };
  const status = messages(bytes, 15)[0];
  const code = status && fieldsOf(status).find(({ field }) => field === 3)?.value;
  return {
    service,
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    name: messages(bytes, 5)[0]!.toString("utf8"),
    kind: Number(number(6)),
    startNs: number(7),
    endNs: number(8),
    attributes: attributesOf(bytes, 9),
    status: typeof code === "bigint" ? Number(code) : 0,
  };
}

function attributesOf(bytes: Buffer, field: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(bytes, field).map((pair) => {
      const value = fieldsOf(messages(pair, 2)[0]!)[0]!;
      const plain = typeof value.value === "bigint" ? Number(value.value) : value.value.toString("utf8");
      return [messages(pair, 1)[0]!.toString("utf8"), plain];
    }),
  );
}

interface Field {
  readonly field: number;
  readonly value: bigint | Buffer;
}

function messages(bytes: Buffer, field: number): Buffer[] {
  return fieldsOf(bytes).flatMap((one) =>
    one.field === field && Buffer.isBuffer(one.value) ? [one.value] : [],
  );
}

/** The fields of one protobuf message, in order. */
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const field = key >> 3;
    switch (key & 7) {
      case 0:
        fields.push({ field, value: varint() });
        break;
      case 1:
        fields.push({ field, value: bytes.readBigUInt64LE(at) });
        at += 8;
        break;
      case 5:
        fields.push({ field, value: BigInt(bytes.readUInt32LE(at)) });
        at += 4;
        break;
      default: {
        const length = Number(varint());
        fields.push({ field, value: bytes.subarray(at, at + length) });
        at += length;
      }
    }
  }
  return fields;
}
