import type { DescMessage, Message } from "@bufbuild/protobuf";
import { randomUUID } from "node:crypto";

import { type JsonPatchOperation, JsonPatchOperation_Op } from "./gen/twinfront/v1/json_patch_pb.js";

/** What requests of writes have, each some of it. */
interface WriteRequest extends Message {
  requestId?: string;
  readonly validateOnly?: boolean;
  readonly patch?: readonly JsonPatchOperation[];
}

/**
 * Gives a write the `requestId` under which a server answers all attempts at it alike, unless the caller has given one. Not so
 * a batch, each of whose items has a refusal of its own, and a dry run, which does nothing.
 */
export function identify(type: DescMessage, request: WriteRequest): void {
  if (isSingleWrite(type) && !request.validateOnly) {
    request.requestId ||= randomUUID();
  }
}

/** Tells whether a write ends in the same state if a server applies it twice that has lost what it knew of the first time. */
export function bearsALoss(type: DescMessage, request: WriteRequest): boolean {
  return isSingleWrite(type) && !(request.patch ?? []).some(shiftsElements);
}

function isSingleWrite({ field }: DescMessage): boolean {
  return "requestId" in field && !("writes" in field);
}

/** Tells whether an operation adds an element to an array or takes one out: it does more if it is applied twice. */
function shiftsElements({ op, path }: JsonPatchOperation): boolean {
  return op !== JsonPatchOperation_Op.REPLACE && /(?:^|\/)(?:-|\d+)$/.test(path);
}
