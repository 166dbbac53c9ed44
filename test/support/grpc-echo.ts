import type { TestContext } from "node:test";
import grpc from "@grpc/grpc-js";

/** A gRPC service without generated code: messages are bytes, methods are named by what they do. */
const bytes = {
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
};

export const echoService = {
  unary: { path: "/test.Echo/Unary", requestStream: false, responseStream: false, ...bytes },
  gather: { path: "/test.Echo/Gather", requestStream: true, responseStream: false, ...bytes },
  spread: { path: "/test.Echo/Spread", requestStream: false, responseStream: true, ...bytes },
  talk: { path: "/test.Echo/Talk", requestStream: true, responseStream: true, ...bytes },
} as const;

export interface GrpcEcho {
  readonly port: number;
  readonly server: grpc.Server;
  /** Metadata of the calls, in order. */
  readonly metadata: grpc.Metadata[];
  /** Calls that their client gave up. */
  readonly cancelled: () => number;
  /** Deadlines that the calls came with. */
  readonly deadlines: grpc.Deadline[];
}

/**
 * A real gRPC server. A message `fail` is answered with INVALID_ARGUMENT, `hang` not at all; `spread` repeats each
 * message three times, `talk` answers each at once, and ends early after `stop`.
 */
export async function startGrpcEcho(t: TestContext): Promise<GrpcEcho> {
  const server = new grpc.Server();
  const metadata: grpc.Metadata[] = [];
  const deadlines: grpc.Deadline[] = [];
  let cancelled = 0;
  const note = (call: {
    metadata: grpc.Metadata;
    getDeadline(): grpc.Deadline;
    on(event: "cancelled", run: () => void): unknown;
  }): void => {
    metadata.push(call.metadata);
    deadlines.push(call.getDeadline());
    call.on("cancelled", () => {
      cancelled++;
    });
  };
  server.addService(echoService, {
    unary(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      note(call);
      const text = call.request.toString();
      const trailer = new grpc.Metadata();
      trailer.set("x-trailer", "end");
      if (text === "hang") return;
      if (text === "fail") done({ code: grpc.status.INVALID_ARGUMENT, details: "no: %", metadata: trailer });
      else done(null, call.request, trailer);
    },
    gather(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
      note(call);
      const parts: Buffer[] = [];
      call.on("data", (part: Buffer) => parts.push(part));
      call.on("end", () => done(null, Buffer.concat(parts)));
    },
    spread(call: grpc.ServerWritableStream<Buffer, Buffer>) {
      note(call);
      for (let n = 0; n < 3; n++) call.write(call.request);
      if (call.request.toString() !== "hang") call.end();
    },
    talk(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
      note(call);
      call.sendMetadata(new grpc.Metadata());
      call.on("data", (part: Buffer) => {
        if (part.toString() === "stop") call.emit("error", { code: grpc.status.ABORTED, details: "stopped" });
        else call.write(part);
      });
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  t.after(() => server.forceShutdown());
  return { port, server, metadata, cancelled: () => cancelled, deadlines };
}

export type EchoClient = grpc.Client & {
  unary(
    message: Buffer,
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    done: grpc.requestCallback<Buffer>,
  ): grpc.ClientUnaryCall;
  gather(done: grpc.requestCallback<Buffer>): grpc.ClientWritableStream<Buffer>;
  spread(message: Buffer): grpc.ClientReadableStream<Buffer>;
  talk(): grpc.ClientDuplexStream<Buffer, Buffer>;
};

const EchoService = grpc.makeGenericClientConstructor(echoService, "Echo");

/** A real client of the service at this port. */
export function connectEcho(
  t: Pick<TestContext, "after">,
  port: number,
  options: grpc.ChannelOptions = {},
): EchoClient {
  const client = new EchoService(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
  t.after(() => client.close());
  return client as unknown as EchoClient;
}
