import assert from "node:assert/strict";
import { test } from "node:test";
import { allReasons, reasons } from "../../src/reason.ts";
import { grpcStatus, grpcTrailers } from "../../src/respond/grpc.ts";

test("every reason has a status of gRPC that is an error", () => {
  for (const reason of allReasons) {
    const status = grpcStatus(reason);
    assert.ok(Number.isInteger(status) && status > 0 && status <= 16, reason.code);
  }
});

test("what a client may try again is UNAVAILABLE, what it did wrong is not", () => {
  const unavailable = [
    reasons.upstreamConnect,
    reasons.upstreamConnectTimeout,
    reasons.upstreamOpen,
    reasons.upstreamReset,
    reasons.overload,
    reasons.drainDeadline,
  ];
  for (const reason of unavailable) assert.equal(grpcStatus(reason), 14, reason.code);
  assert.equal(grpcStatus(reasons.wafPatterns), 3);
  assert.equal(grpcStatus(reasons.routeNotFound), 12);
  assert.equal(grpcStatus(reasons.internalOnly), 7);
  assert.equal(grpcStatus(reasons.bodyTooLarge), 8);
  assert.equal(grpcStatus(reasons.grpcDeadline), 4);
});

test("the end of a call says no more than a refusal does", () => {
  assert.deepEqual(grpcTrailers(reasons.wafPatterns), [
    "grpc-status",
    "3",
    "grpc-message",
    "request rejected",
  ]);
});
