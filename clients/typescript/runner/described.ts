import type { TwinfrontError } from "../src/index.js";

/** An error as all runners print it. */
export function described(error: TwinfrontError): Record<string, unknown> {
  const { kind, reason, metadata, attempts } = error;
  const common = { kind, reason, metadata, attempts };
  switch (error.kind) {
    case "EtagMismatch":
      return {
        ...common,
        resource: error.resource,
        expectedEtag: error.expectedEtag,
        currentEtag: error.currentEtag,
      };
    case "TwinHasRelationships": {
      const listed = (blockers: typeof error.outgoing) =>
        blockers.map(({ relationshipId, sourceId, targetId, name }) => ({ relationshipId, sourceId, targetId, name }));
      return {
        ...common,
        outgoing: listed(error.outgoing),
        incoming: listed(error.incoming),
        outgoingTotal: error.outgoingTotal,
        incomingTotal: error.incomingTotal,
      };
    }
    case "Throttled":
    case "Unavailable":
      return error.retryAfter === undefined ? common : { ...common, retryAfterMs: Math.round(error.retryAfter) };
    case "InvalidArgument":
    case "ValidationFailed":
    case "JsonPatchInvalid":
    case "DtdlInvalid":
    case "QueryInvalid":
    case "PageTokenInvalid":
    case "ResumeTokenInvalid":
      return { ...common, fieldViolations: error.fieldViolations.map(({ field, reason }) => ({ field, reason })) };
    default:
      return common;
  }
}
