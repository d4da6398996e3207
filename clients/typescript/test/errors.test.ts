import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, AnySchema } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { test } from "node:test";

import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { EtagConflictSchema, RelationshipsBlockingDeleteSchema } from "../src/gen/twinfront/v1/error_details_pb.js";
import { Code, fromError, fromStatus, type TwinfrontError } from "../src/index.js";

function failure(code: Code, reason: string, ...details: Any[]): TwinfrontError {
  const info = create(ErrorInfoSchema, { reason, domain: "twinfront", metadata: { digital_twin_id: "room-001" } });
  const packed = [anyPack(ErrorInfoSchema, info), ...details];
  const error = fromStatus(create(StatusSchema, { code, message: "No.", details: packed }));
  assert(error);
  return error;
}

test("an etag mismatch carries both etags", () => {
  const conflict = create(EtagConflictSchema, {
    resource: "digitaltwins/room-001",
    expectedEtag: "a",
    currentEtag: "b",
  });
  const error = failure(Code.Aborted, "ETAG_MISMATCH", anyPack(EtagConflictSchema, conflict));
  assert(error.kind === "EtagMismatch");
  assert.deepEqual([error.resource, error.expectedEtag, error.currentEtag], ["digitaltwins/room-001", "a", "b"]);
  assert.deepEqual(error.metadata, { digital_twin_id: "room-001" });
  assert(error.is("Aborted") && !error.is("NotFound"));
});

test("a blocked delete names the relationships", () => {
  const blocking = create(RelationshipsBlockingDeleteSchema, {
    incoming: [{ sourceId: "floor" }],
    incomingTotal: 42n,
    countsAreLowerBounds: true,
  });
  const detail = anyPack(RelationshipsBlockingDeleteSchema, blocking);
  const error = failure(Code.FailedPrecondition, "TWIN_HAS_RELATIONSHIPS", detail);
  assert(error.kind === "TwinHasRelationships");
  assert.deepEqual([error.incoming[0]?.sourceId, error.incomingTotal, error.countsAreLowerBounds], ["floor", 42, true]);
});

test("throttling says when to try again", () => {
  const retry = create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } });
  const error = failure(Code.ResourceExhausted, "UPSTREAM_THROTTLED", anyPack(RetryInfoSchema, retry));
  assert(error.kind === "Throttled" && error.retryAfter === 1500);
});

test("an invalid argument names the fields", () => {
  const badRequest = create(BadRequestSchema, { fieldViolations: [{ field: "patch[0].path" }] });
  const error = failure(Code.InvalidArgument, "JSON_PATCH_INVALID", anyPack(BadRequestSchema, badRequest));
  assert(error.kind === "JsonPatchInvalid" && error.fieldViolations[0]?.field === "patch[0].path");
});

test("a reason that is not known goes by its code", () => {
  assert.equal(failure(Code.NotFound, "SOMETHING_NEW").kind, "NotFound");
  assert.equal(failure(Code.Internal, "").kind, "Twinfront");
  assert.equal(fromStatus(undefined), undefined);
  assert.equal(fromError(new Error("broken")).kind, "Twinfront");
});

test("the error of a plain Connect client is typed, and one that is typed stays as it is", () => {
  const info = { desc: ErrorInfoSchema, value: { reason: "TWIN_NOT_FOUND", domain: "twinfront" } };
  const error = fromError(new ConnectError("No.", Code.NotFound, { "twinfront-call-id": "r1" }, [info]));
  assert.deepEqual(
    [error.kind, error.reason, error.message, error.callId],
    ["TwinNotFound", "TWIN_NOT_FOUND", "No.", "r1"],
  );
  assert(error.is("NotFound") && error.is("TwinNotFound") && !error.is("ModelNotFound"));
  assert.equal(fromError(error), error);
  const foreign = { desc: ErrorInfoSchema, value: { reason: "TWIN_NOT_FOUND", domain: "else" } };
  assert.equal(fromError(new ConnectError("No.", Code.NotFound, undefined, [foreign])).kind, "NotFound");
});

const INFO = "type.googleapis.com/google.rpc.ErrorInfo";

/** What `fromStatus` makes of details of these types and bytes. */
function withDetails(code: Code, ...details: [string, Uint8Array][]): TwinfrontError {
  const packed = details.map(([typeUrl, value]) => create(AnySchema, { typeUrl, value }));
  const error = fromStatus(create(StatusSchema, { code, message: "No.", details: packed }));
  assert(error);
  return error;
}

function info(domain: string, reason: string): Uint8Array {
  return toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { domain, reason }));
}

test("a detail that cannot be read leaves the others", () => {
  const broken = new Uint8Array([0xff, 0xff, 0xff]);
  const good = info("twinfront", "TWIN_NOT_FOUND");
  for (const details of [
    [
      [INFO, good],
      ["type.googleapis.com/google.rpc.BadRequest", broken],
    ],
    [
      [INFO, broken],
      [INFO, good],
    ],
    [
      ["type.googleapis.com/google.rpc.DebugInfo", broken],
      ["", broken],
      [INFO, good],
    ],
    [["example.com/google.rpc.ErrorInfo", good]],
  ] as [string, Uint8Array][][]) {
    assert.equal(withDetails(Code.NotFound, ...details).kind, "TwinNotFound");
  }
});

test("the first reason of the domain counts, in an item as in a call", () => {
  const error = withDetails(
    Code.NotFound,
    [INFO, info("example.com", "ZZZ")],
    [INFO, info("twinfront", "TWIN_NOT_FOUND")],
    [INFO, info("twinfront", "MODEL_NOT_FOUND")],
  );
  assert.deepEqual([error.kind, error.reason], ["TwinNotFound", "TWIN_NOT_FOUND"]);
  const foreign = withDetails(Code.NotFound, [INFO, info("example.com", "TWIN_NOT_FOUND")]);
  assert.deepEqual([foreign.kind, foreign.reason], ["NotFound", ""]);
});

test("a reason counts only with its code", () => {
  const error = withDetails(Code.FailedPrecondition, [INFO, info("twinfront", "ETAG_MISMATCH")]);
  assert.deepEqual([error.kind, error.reason], ["FailedPrecondition", "ETAG_MISMATCH"]);
  assert(!error.is("EtagMismatch") && !error.is("Aborted"));
});

test("the time to wait is between nothing and a day", () => {
  const day = 24 * 60 * 60 * 1000;
  for (const [seconds, nanos, expected] of [
    [1n, 500_000_000, 1500],
    [-5n, 0, 0],
    [0n, -1, 0],
    [2n ** 62n, 0, day],
    [2n ** 63n - 1n, 2_000_000_000, day],
  ] as const) {
    const retry = create(RetryInfoSchema, { retryDelay: { seconds, nanos } });
    const error = failure(Code.Unavailable, "", anyPack(RetryInfoSchema, retry));
    assert(error.kind === "Unavailable" && error.retryAfter === expected);
  }
});
