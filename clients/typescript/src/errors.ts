import { Code, ConnectError } from "@connectrpc/connect";

import { codeName } from "./codes.js";
import {
  BadRequestSchema,
  type BadRequest,
  type ErrorInfo,
  ErrorInfoSchema,
  type RetryInfo,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import type { Status } from "./gen/google/rpc/status_pb.js";
import {
  type EtagConflict,
  EtagConflictSchema,
  type RelationshipsBlockingDelete,
  type RelationshipsBlockingDelete_BlockingRelationship as BlockingRelationship,
  RelationshipsBlockingDeleteSchema,
} from "./gen/twinfront/v1/error_details_pb.js";

export { Code } from "@connectrpc/connect";
export type { BlockingRelationship };

const DOMAIN = "twinfront";
/** A day. No server means more than that, and no program should sleep so long for one that errs. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

/** The kind of each reason that has one of its own, and the code that goes with it. */
const KIND_BY_REASON = {
  // begin reasons: made by clients/reasons.py; do not edit
  TWIN_NOT_FOUND: [Code.NotFound, "TwinNotFound"],
  RELATIONSHIP_NOT_FOUND: [Code.NotFound, "RelationshipNotFound"],
  COMPONENT_NOT_FOUND: [Code.NotFound, "ComponentNotFound"],
  MODEL_NOT_FOUND: [Code.NotFound, "ModelNotFound"],
  EVENT_ROUTE_NOT_FOUND: [Code.NotFound, "EventRouteNotFound"],
  JOB_NOT_FOUND: [Code.NotFound, "JobNotFound"],
  ETAG_MISMATCH: [Code.Aborted, "EtagMismatch"],
  TWIN_HAS_RELATIONSHIPS: [Code.FailedPrecondition, "TwinHasRelationships"],
  TARGET_TWIN_NOT_FOUND: [Code.FailedPrecondition, "TargetTwinNotFound"],
  MODEL_HAS_DEPENDENTS: [Code.FailedPrecondition, "ModelHasDependents"],
  MODEL_DECOMMISSIONED: [Code.FailedPrecondition, "ModelDecommissioned"],
  VALIDATION_FAILED: [Code.InvalidArgument, "ValidationFailed"],
  JSON_PATCH_INVALID: [Code.InvalidArgument, "JsonPatchInvalid"],
  DTDL_INVALID: [Code.InvalidArgument, "DtdlInvalid"],
  QUERY_INVALID: [Code.InvalidArgument, "QueryInvalid"],
  PAGE_TOKEN_INVALID: [Code.InvalidArgument, "PageTokenInvalid"],
  RESUME_TOKEN_INVALID: [Code.InvalidArgument, "ResumeTokenInvalid"],
  CHANGES_EXPIRED: [Code.OutOfRange, "ChangesExpired"],
  UPSTREAM_THROTTLED: [Code.ResourceExhausted, "Throttled"],
  LIMIT_REACHED: [Code.ResourceExhausted, "LimitReached"],
  OUTCOME_UNKNOWN: [Code.Unknown, "OutcomeUnknown"],
  CHANGES_UNSUPPORTED: [Code.Unimplemented, "ChangesUnsupported"],
  VALIDATE_ONLY_UNSUPPORTED: [Code.Unimplemented, "ValidateOnlyUnsupported"],
  // end reasons
} as const;

/** The kind of each code, for reasons that are not known and answers without one. */
const KIND_BY_CODE = {
  [Code.NotFound]: "NotFound",
  [Code.AlreadyExists]: "AlreadyExists",
  [Code.Aborted]: "Aborted",
  [Code.FailedPrecondition]: "FailedPrecondition",
  [Code.InvalidArgument]: "InvalidArgument",
  [Code.ResourceExhausted]: "ResourceExhausted",
  [Code.Unavailable]: "Unavailable",
  [Code.DeadlineExceeded]: "DeadlineExceeded",
  [Code.Canceled]: "CallCancelled",
  [Code.Unauthenticated]: "Unauthenticated",
  [Code.PermissionDenied]: "PermissionDenied",
} as const;

/** The kind of an error, by its reason, else by its code; `Twinfront` for INTERNAL and the like. */
export type Kind =
  | (typeof KIND_BY_REASON)[keyof typeof KIND_BY_REASON][1]
  | (typeof KIND_BY_CODE)[keyof typeof KIND_BY_CODE]
  | "Twinfront";

type InvalidKind =
  | "InvalidArgument"
  | "ValidationFailed"
  | "JsonPatchInvalid"
  | "DtdlInvalid"
  | "QueryInvalid"
  | "PageTokenInvalid"
  | "ResumeTokenInvalid";
type RetryableKind = "Throttled" | "Unavailable";
type OtherKind = Exclude<Kind, "EtagMismatch" | "TwinHasRelationships" | InvalidKind | RetryableKind>;

/** The base of all errors of calls. Use {@link isTwinfrontError} and switch on `kind`. */
export abstract class TwinfrontErrorBase extends Error {
  override readonly name = "TwinfrontError";
  /** The kind of the error; it tells the classes of the union {@link TwinfrontError} apart. */
  abstract readonly kind: Kind;
  /** The gRPC code. */
  readonly code: Code;
  /** Why, as a name of `ErrorReason` without prefix, such as `ETAG_MISMATCH`; empty if the server gave none. */
  readonly reason: string;
  /** The ids that the error is about, by request field: `{ digital_twin_id: "room-001" }`. */
  readonly metadata: { readonly [name: string]: string };
  /** The id under which the server logged the call; empty if it did not get there. */
  readonly callId: string;
  /** How often the call was sent. */
  attempts = 1;

  constructor(facts: Facts) {
    super(facts.message, { cause: facts.cause });
    this.code = facts.code;
    this.reason = facts.reason;
    this.metadata = facts.metadata;
    this.callId = facts.callId;
  }

  /** Tells whether the error is of a kind, or of a particular case of it: a `TwinNotFound` is a `NotFound`. */
  is(kind: Kind): boolean {
    return this.kind === kind || kindOfCode(this.code) === kind;
  }

  override toString(): string {
    const call = this.callId && ` (call id ${this.callId})`;
    return `[${this.reason || codeName(this.code)}] ${this.message}${call}`;
  }
}

/** The etag in `ifMatch` is not the resource's current one: read again, redo the change, write again. */
export class EtagMismatchError extends TwinfrontErrorBase {
  readonly kind = "EtagMismatch";
  /** The resource as a path: `digitaltwins/{id}` or `digitaltwins/{id}/relationships/{relationship id}`. */
  readonly resource: string;
  /** The etag that the call asked for. */
  readonly expectedEtag: string;
  /** The etag that the resource had; empty if it could not be read, or is gone by now. */
  readonly currentEtag: string;

  constructor(facts: Facts, conflict: EtagConflict | undefined) {
    super(facts);
    this.resource = conflict?.resource ?? "";
    this.expectedEtag = conflict?.expectedEtag ?? "";
    this.currentEtag = conflict?.currentEtag ?? "";
  }
}

/** A twin with relationships cannot be deleted: delete them first, or along with it (`RELATIONSHIPS_DETACH`). */
export class TwinHasRelationshipsError extends TwinfrontErrorBase {
  readonly kind = "TwinHasRelationships";
  /** Relationships that start from the twin; both lists together name 20 at the most. */
  readonly outgoing: readonly BlockingRelationship[];
  /** Relationships that point to the twin. */
  readonly incoming: readonly BlockingRelationship[];
  /** How many relationships start from the twin, listed or not. */
  readonly outgoingTotal: number;
  /** How many relationships point to the twin, listed or not. */
  readonly incomingTotal: number;
  /** True if there may be more relationships than counted, because there was no time to count them all. */
  readonly countsAreLowerBounds: boolean;

  constructor(facts: Facts, blocking: RelationshipsBlockingDelete | undefined) {
    super(facts);
    this.outgoing = blocking?.outgoing ?? [];
    this.incoming = blocking?.incoming ?? [];
    this.outgoingTotal = Number(blocking?.outgoingTotal ?? 0n);
    this.incomingTotal = Number(blocking?.incomingTotal ?? 0n);
    this.countsAreLowerBounds = blocking?.countsAreLowerBounds ?? false;
  }
}

/** A fault of one field of a request. */
export interface FieldViolation {
  /** The field's path in the request: `digital_twin.properties["temperature"]`, `patch[2].path`. */
  readonly field: string;
  /** The fault, in words. */
  readonly description: string;
  /** A name of `ErrorReason` without prefix; empty if there is none. */
  readonly reason: string;
}

/** The request is wrong, whatever the state of the graph. */
export class InvalidArgumentError extends TwinfrontErrorBase {
  /** The fields that are wrong; empty if the server named none. */
  readonly fieldViolations: readonly FieldViolation[];

  constructor(
    readonly kind: InvalidKind,
    facts: Facts,
    badRequest: BadRequest | undefined,
  ) {
    super(facts);
    const violations = badRequest?.fieldViolations ?? [];
    this.fieldViolations = violations.map(({ field, description, reason }) => ({ field, description, reason }));
  }
}

/** Azure Digital Twins throttles, or it or the server cannot be reached. */
export class RetryableError extends TwinfrontErrorBase {
  /** Milliseconds to wait before the next try, a day at the most; `undefined` if the server did not say. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly kind: RetryableKind,
    facts: Facts,
    retryInfo: RetryInfo | undefined,
  ) {
    super(facts);
    const delay = retryInfo?.retryDelay;
    const told = delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    this.retryAfter = told && Math.min(Math.max(told, 0), LONGEST_WAIT_MS);
  }
}

/** An error without further details. */
export class OtherError extends TwinfrontErrorBase {
  constructor(
    readonly kind: OtherKind,
    facts: Facts,
  ) {
    super(facts);
  }
}

/** Every error of a call: a union that is told apart by `kind`. */
export type TwinfrontError =
  EtagMismatchError | TwinHasRelationshipsError | InvalidArgumentError | RetryableError | OtherError;

/** Tells whether something that was thrown is the error of a call. */
export function isTwinfrontError(error: unknown): error is TwinfrontError {
  return error instanceof TwinfrontErrorBase;
}

interface Facts {
  readonly message: string;
  readonly code: Code;
  readonly reason: string;
  readonly metadata: { readonly [name: string]: string };
  readonly callId: string;
  readonly cause?: unknown;
}

/** The error that a failed call of plain Connect clients stands for; what is typed already stays as it is. */
export function fromError(error: unknown): TwinfrontError {
  if (isTwinfrontError(error)) {
    return error;
  }
  const failure = ConnectError.from(error);
  const callId = failure.metadata.get("twinfront-call-id") ?? "";
  return typed(failure.code, failure.rawMessage, detailsOf(failure), callId, failure);
}

/** The error of an item of a batch or an import; `undefined` if it did not fail. */
export function fromStatus(status: Status | undefined): TwinfrontError | undefined {
  if (!status?.code) {
    return undefined;
  }
  const { code, message } = status;
  const details = status.details.map(({ typeUrl, value }) => ({ type: typeUrl.replace(/^.*\//, ""), value }));
  const failure = new ConnectError(message, code);
  failure.details = details;
  return typed(code, message, detailsOf(failure), "", undefined);
}

/** The details that can be read. */
function detailsOf(failure: ConnectError): Details {
  return {
    errorInfo: failure.findDetails(ErrorInfoSchema).find((info) => info.domain === DOMAIN),
    badRequest: failure.findDetails(BadRequestSchema)[0],
    retryInfo: failure.findDetails(RetryInfoSchema)[0],
    conflict: failure.findDetails(EtagConflictSchema)[0],
    blocking: failure.findDetails(RelationshipsBlockingDeleteSchema)[0],
  };
}

interface Details {
  readonly errorInfo: ErrorInfo | undefined;
  readonly badRequest: BadRequest | undefined;
  readonly retryInfo: RetryInfo | undefined;
  readonly conflict: EtagConflict | undefined;
  readonly blocking: RelationshipsBlockingDelete | undefined;
}

function typed(code: Code, message: string, details: Details, callId: string, cause: unknown): TwinfrontError {
  const reason = details.errorInfo?.reason ?? "";
  const facts: Facts = { message, code, reason, metadata: details.errorInfo?.metadata ?? {}, callId, cause };
  const kind = kindOfReason(code, reason) ?? kindOfCode(code);
  switch (kind) {
    case "EtagMismatch":
      return new EtagMismatchError(facts, details.conflict);
    case "TwinHasRelationships":
      return new TwinHasRelationshipsError(facts, details.blocking);
    case "InvalidArgument":
    case "ValidationFailed":
    case "JsonPatchInvalid":
    case "DtdlInvalid":
    case "QueryInvalid":
    case "PageTokenInvalid":
    case "ResumeTokenInvalid":
      return new InvalidArgumentError(kind, facts, details.badRequest);
    case "Throttled":
    case "Unavailable":
      return new RetryableError(kind, facts, details.retryInfo);
    default:
      return new OtherError(kind, facts);
  }
}

/** The kind of a reason that is known, has one of its own, and goes with the code: it counts only where both say the same. */
function kindOfReason(code: Code, reason: string): (typeof KIND_BY_REASON)[keyof typeof KIND_BY_REASON][1] | undefined {
  if (!Object.hasOwn(KIND_BY_REASON, reason)) {
    return undefined;
  }
  const [codeOfReason, kind] = KIND_BY_REASON[reason as keyof typeof KIND_BY_REASON];
  return codeOfReason === code ? kind : undefined;
}

function kindOfCode(code: Code): (typeof KIND_BY_CODE)[keyof typeof KIND_BY_CODE] | "Twinfront" {
  return code in KIND_BY_CODE ? KIND_BY_CODE[code as keyof typeof KIND_BY_CODE] : "Twinfront";
}
