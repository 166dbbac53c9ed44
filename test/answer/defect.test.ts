import assert from "node:assert/strict";
import { test } from "node:test";
import { efforts } from "../../src/answer/coding-effort.ts";
import { CompressStep } from "../../src/answer/compress-step.ts";
import { CompressionDesk } from "../../src/answer/compression-desk.ts";
import type { Outlet } from "../../src/http/outlet.ts";
import { ResponseHead, readResponseHead } from "../../src/http/response-head.ts";

// Steps go on in timers and in zlib's callbacks, where Node ends the worker for an exception that nobody caught.

const BROKEN = new Error("a bug");

function chunkedHead(): ResponseHead {
  const bytes = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const head = new ResponseHead();
  assert.ok(readResponseHead(bytes, 0, bytes.length, false, head) > 0);
  return head;
}

/** Compresses in front of `next`; resolves with what the exchange is told of. */
function begin(
  next: Partial<Outlet>,
  limitBytes = 10_000_000,
): { step: CompressStep; told: Promise<unknown> } {
  const desk = new CompressionDesk();
  desk.limitBytes = limitBytes;
  const silent: Outlet = {
    answerHead() {},
    answerBody: () => true,
    answerFlush: () => true,
    answerTrailers() {},
    answerEnd() {},
  };
  let step!: CompressStep;
  const told = new Promise((resolve) => {
    const owner = {
      onStepDrain() {},
      onStepEnd() {},
      onStepFault: resolve,
      onDefect(cause: unknown) {
        step.close();
        resolve(cause);
      },
    };
    step = new CompressStep(owner, { ...silent, ...next }, desk, "gzip", efforts.balanced);
  });
  step.answerHead(chunkedHead());
  return { step, told };
}

const fail = (): never => {
  throw BROKEN;
};

test("a bug behind the coder's callbacks ends the exchange, not the worker", async () => {
  const { step, told } = begin({ answerBody: fail });
  const block = Buffer.alloc(200_000, "abc");
  step.answerBody(block, 0, block.length);
  step.answerEnd();
  assert.equal(await told, BROKEN);
});

test("a bug behind the timer of what is held ends the exchange, not the worker", async () => {
  const { step, told } = begin({ answerHead: fail }, 100_000);
  // No room for a compressor: the timer sends what is held as it is.
  const part = Buffer.from("part");
  step.answerBody(part, 0, part.length);
  step.answerFlush();
  assert.equal(await told, BROKEN);
});
