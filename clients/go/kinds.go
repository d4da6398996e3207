package twinfront

import (
	"google.golang.org/grpc/codes"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// Kind classifies an error. Kinds are targets of [errors.Is], and a general one matches its particular ones too:
//
//	if errors.Is(err, twinfront.NotFound) { … } // a twin, a relationship, a model, …
type Kind string

// Other is any status without a kind of its own, such as INTERNAL.
const Other Kind = "Twinfront"

// NotFound and its particular kinds: the resource that the call is about does not exist.
const (
	// NotFound is any of those below.
	NotFound Kind = "NotFound"
	// TwinNotFound: no such digital twin.
	TwinNotFound Kind = "TwinNotFound"
	// RelationshipNotFound: the twin has no such relationship.
	RelationshipNotFound Kind = "RelationshipNotFound"
	// ComponentNotFound: the twin has no such component.
	ComponentNotFound Kind = "ComponentNotFound"
	// ModelNotFound: no such model.
	ModelNotFound Kind = "ModelNotFound"
	// EventRouteNotFound: no such event route.
	EventRouteNotFound Kind = "EventRouteNotFound"
	// JobNotFound: no such import or delete job.
	JobNotFound Kind = "JobNotFound"
)

// AlreadyExists: a twin or relationship that was only to be created, a model, a job.
const AlreadyExists Kind = "AlreadyExists"

// Aborted and its particular kind: another writer was faster; read again, redo the change, write again.
const (
	// Aborted is EtagMismatch, or a conflict without details.
	Aborted Kind = "Aborted"
	// EtagMismatch is the kind of [EtagMismatchError].
	EtagMismatch Kind = "EtagMismatch"
)

// FailedPrecondition and its particular kinds: something else has to be changed first.
const (
	// FailedPrecondition is any of those below, or a job whose state does not allow the call.
	FailedPrecondition Kind = "FailedPrecondition"
	// TwinHasRelationships is the kind of [TwinHasRelationshipsError].
	TwinHasRelationships Kind = "TwinHasRelationships"
	// TargetTwinNotFound: the twin that a relationship is to point to does not exist.
	TargetTwinNotFound Kind = "TargetTwinNotFound"
	// ModelHasDependents: other models extend this one or have it as a component.
	ModelHasDependents Kind = "ModelHasDependents"
	// ModelDecommissioned: no new twins of the model.
	ModelDecommissioned Kind = "ModelDecommissioned"
)

// InvalidArgument and its particular kinds: the request is wrong, whatever the state of the graph. All of them are the
// kind of an [InvalidArgumentError].
const (
	// InvalidArgument is any of those below, or a field that is wrong by itself.
	InvalidArgument Kind = "InvalidArgument"
	// ValidationFailed: the twin or relationship would not fit its model.
	ValidationFailed Kind = "ValidationFailed"
	// JSONPatchInvalid: an operation of a patch is malformed, or its path leads nowhere.
	JSONPatchInvalid Kind = "JsonPatchInvalid"
	// DTDLInvalid: a model is not valid DTDL, or refers to a model that is not there.
	DTDLInvalid Kind = "DtdlInvalid"
	// QueryInvalid: the query is not understood.
	QueryInvalid Kind = "QueryInvalid"
	// PageTokenInvalid: the page token is made up, or belongs to another request.
	PageTokenInvalid Kind = "PageTokenInvalid"
	// ResumeTokenInvalid: the resume token is made up, or belongs to another log of changes or to another request.
	ResumeTokenInvalid Kind = "ResumeTokenInvalid"
)

// ResourceExhausted and its particular kinds: there was too much of something.
const (
	// ResourceExhausted is any of those below, or a message that is too large.
	ResourceExhausted Kind = "ResourceExhausted"
	// Throttled: too many calls; a [RetryableError] says when to try again.
	Throttled Kind = "Throttled"
	// LimitReached: trying again does not help.
	LimitReached Kind = "LimitReached"
)

// Kinds that have no particular ones.
const (
	// Unavailable: the server, or Azure Digital Twins behind it, cannot be reached; the call changed nothing.
	Unavailable Kind = "Unavailable"
	// DeadlineExceeded: the call's time has run out; a write may have been applied all the same.
	DeadlineExceeded Kind = "DeadlineExceeded"
	// OutcomeUnknown: the answer to a write was lost; read before writing again.
	OutcomeUnknown Kind = "OutcomeUnknown"
	// CallCancelled: the caller ended the call, or closed the client.
	CallCancelled Kind = "CallCancelled"
	// Unauthenticated: no valid token or certificate was presented.
	Unauthenticated Kind = "Unauthenticated"
	// PermissionDenied: the caller may not do this.
	PermissionDenied Kind = "PermissionDenied"
	// ChangesExpired: the log of changes no longer has what was to be told; the state has to be read anew.
	ChangesExpired Kind = "ChangesExpired"
	// ChangesUnsupported: the server follows no source of changes.
	ChangesUnsupported Kind = "ChangesUnsupported"
	// ValidateOnlyUnsupported: Azure Digital Twins cannot check a write without doing it; localtwins can.
	ValidateOnlyUnsupported Kind = "ValidateOnlyUnsupported"
)

// Error makes a kind a target of [errors.Is].
func (k Kind) Error() string { return "twinfront: " + string(k) }

// codedReason is a reason with the code that goes with it: a reason counts only where both say the same.
type codedReason struct {
	code   codes.Code
	reason twinfrontv1.ErrorReason
}

var kindByReason = map[codedReason]Kind{
	// begin reasons: made by clients/reasons.py; do not edit
	{codes.NotFound, twinfrontv1.ErrorReason_ERROR_REASON_TWIN_NOT_FOUND}:                   TwinNotFound,
	{codes.NotFound, twinfrontv1.ErrorReason_ERROR_REASON_RELATIONSHIP_NOT_FOUND}:           RelationshipNotFound,
	{codes.NotFound, twinfrontv1.ErrorReason_ERROR_REASON_COMPONENT_NOT_FOUND}:              ComponentNotFound,
	{codes.NotFound, twinfrontv1.ErrorReason_ERROR_REASON_MODEL_NOT_FOUND}:                  ModelNotFound,
	{codes.NotFound, twinfrontv1.ErrorReason_ERROR_REASON_EVENT_ROUTE_NOT_FOUND}:            EventRouteNotFound,
	{codes.NotFound, twinfrontv1.ErrorReason_ERROR_REASON_JOB_NOT_FOUND}:                    JobNotFound,
	{codes.Aborted, twinfrontv1.ErrorReason_ERROR_REASON_ETAG_MISMATCH}:                     EtagMismatch,
	{codes.FailedPrecondition, twinfrontv1.ErrorReason_ERROR_REASON_TWIN_HAS_RELATIONSHIPS}: TwinHasRelationships,
	{codes.FailedPrecondition, twinfrontv1.ErrorReason_ERROR_REASON_TARGET_TWIN_NOT_FOUND}:  TargetTwinNotFound,
	{codes.FailedPrecondition, twinfrontv1.ErrorReason_ERROR_REASON_MODEL_HAS_DEPENDENTS}:   ModelHasDependents,
	{codes.FailedPrecondition, twinfrontv1.ErrorReason_ERROR_REASON_MODEL_DECOMMISSIONED}:   ModelDecommissioned,
	{codes.InvalidArgument, twinfrontv1.ErrorReason_ERROR_REASON_VALIDATION_FAILED}:         ValidationFailed,
	{codes.InvalidArgument, twinfrontv1.ErrorReason_ERROR_REASON_JSON_PATCH_INVALID}:        JSONPatchInvalid,
	{codes.InvalidArgument, twinfrontv1.ErrorReason_ERROR_REASON_DTDL_INVALID}:              DTDLInvalid,
	{codes.InvalidArgument, twinfrontv1.ErrorReason_ERROR_REASON_QUERY_INVALID}:             QueryInvalid,
	{codes.InvalidArgument, twinfrontv1.ErrorReason_ERROR_REASON_PAGE_TOKEN_INVALID}:        PageTokenInvalid,
	{codes.InvalidArgument, twinfrontv1.ErrorReason_ERROR_REASON_RESUME_TOKEN_INVALID}:      ResumeTokenInvalid,
	{codes.OutOfRange, twinfrontv1.ErrorReason_ERROR_REASON_CHANGES_EXPIRED}:                ChangesExpired,
	{codes.ResourceExhausted, twinfrontv1.ErrorReason_ERROR_REASON_UPSTREAM_THROTTLED}:      Throttled,
	{codes.ResourceExhausted, twinfrontv1.ErrorReason_ERROR_REASON_LIMIT_REACHED}:           LimitReached,
	{codes.Unknown, twinfrontv1.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN}:                   OutcomeUnknown,
	{codes.Unimplemented, twinfrontv1.ErrorReason_ERROR_REASON_CHANGES_UNSUPPORTED}:         ChangesUnsupported,
	{codes.Unimplemented, twinfrontv1.ErrorReason_ERROR_REASON_VALIDATE_ONLY_UNSUPPORTED}:   ValidateOnlyUnsupported,
	// end reasons
}

var kindByCode = map[codes.Code]Kind{
	codes.NotFound:           NotFound,
	codes.AlreadyExists:      AlreadyExists,
	codes.Aborted:            Aborted,
	codes.FailedPrecondition: FailedPrecondition,
	codes.InvalidArgument:    InvalidArgument,
	codes.ResourceExhausted:  ResourceExhausted,
	codes.Unavailable:        Unavailable,
	codes.DeadlineExceeded:   DeadlineExceeded,
	codes.Canceled:           CallCancelled,
	codes.Unauthenticated:    Unauthenticated,
	codes.PermissionDenied:   PermissionDenied,
}

// kindOf gives the kind of a reason (a name of ErrorReason without prefix) that goes with the code; else the kind of the
// code.
func kindOf(reason string, code codes.Code) Kind {
	known := twinfrontv1.ErrorReason(twinfrontv1.ErrorReason_value["ERROR_REASON_"+reason])
	if kind, ok := kindByReason[codedReason{code, known}]; ok {
		return kind
	}
	if kind, ok := kindByCode[code]; ok {
		return kind
	}
	return Other
}
