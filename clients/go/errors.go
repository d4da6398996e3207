package twinfront

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	domain           = "twinfront"
	requestIDTrailer = "twinfront-request-id"
)

// Kind is what an error is about. Kinds are targets of [errors.Is], and a general one matches the particular ones:
//
//	if errors.Is(err, twinfront.NotFound) { … } // a twin, a relationship, a model, …
type Kind string

// The kinds. Those that are indented in the list of the package's README are particular cases of the one before.
const (
	// Other is any status without a kind of its own, such as INTERNAL.
	Other Kind = "Twinfront"
	// NotFound: what the call is about does not exist.
	NotFound             Kind = "NotFound"
	TwinNotFound         Kind = "TwinNotFound"
	RelationshipNotFound Kind = "RelationshipNotFound"
	ComponentNotFound    Kind = "ComponentNotFound"
	ModelNotFound        Kind = "ModelNotFound"
	EventRouteNotFound   Kind = "EventRouteNotFound"
	JobNotFound          Kind = "JobNotFound"
	// AlreadyExists: a twin or relationship that was only to be created, a model, a job.
	AlreadyExists Kind = "AlreadyExists"
	// Aborted: another writer was faster; read again, redo the change, write again.
	Aborted      Kind = "Aborted"
	EtagMismatch Kind = "EtagMismatch"
	// FailedPrecondition: something else has to be changed first.
	FailedPrecondition   Kind = "FailedPrecondition"
	TwinHasRelationships Kind = "TwinHasRelationships"
	TargetTwinNotFound   Kind = "TargetTwinNotFound"
	ModelHasDependents   Kind = "ModelHasDependents"
	ModelDecommissioned  Kind = "ModelDecommissioned"
	// InvalidArgument: the request is wrong, whatever the state of the graph.
	InvalidArgument  Kind = "InvalidArgument"
	ValidationFailed Kind = "ValidationFailed"
	JSONPatchInvalid Kind = "JsonPatchInvalid"
	DTDLInvalid      Kind = "DtdlInvalid"
	QueryInvalid     Kind = "QueryInvalid"
	PageTokenInvalid Kind = "PageTokenInvalid"
	// ResourceExhausted: too many calls, or too large a message.
	ResourceExhausted Kind = "ResourceExhausted"
	Throttled         Kind = "Throttled"
	LimitReached      Kind = "LimitReached"
	// Unavailable: the server, or Azure Digital Twins behind it, cannot be reached.
	Unavailable Kind = "Unavailable"
	// DeadlineExceeded: a write may have been applied all the same.
	DeadlineExceeded Kind = "DeadlineExceeded"
	// OutcomeUnknown: the answer to a write was lost; read before writing again.
	OutcomeUnknown Kind = "OutcomeUnknown"
	// CallCancelled: the caller or the server ended the call.
	CallCancelled    Kind = "CallCancelled"
	Unauthenticated  Kind = "Unauthenticated"
	PermissionDenied Kind = "PermissionDenied"
	// ValidateOnlyUnsupported: the upstream cannot tell what a write would end in.
	ValidateOnlyUnsupported Kind = "ValidateOnlyUnsupported"
)

// Error makes a kind a target of [errors.Is].
func (k Kind) Error() string { return "twinfront: " + string(k) }

var kindByReason = map[twinfrontv1.ErrorReason]Kind{
	twinfrontv1.ErrorReason_ERROR_REASON_TWIN_NOT_FOUND:            TwinNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_RELATIONSHIP_NOT_FOUND:    RelationshipNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_COMPONENT_NOT_FOUND:       ComponentNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_MODEL_NOT_FOUND:           ModelNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_EVENT_ROUTE_NOT_FOUND:     EventRouteNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_JOB_NOT_FOUND:             JobNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_ETAG_MISMATCH:             EtagMismatch,
	twinfrontv1.ErrorReason_ERROR_REASON_TWIN_HAS_RELATIONSHIPS:    TwinHasRelationships,
	twinfrontv1.ErrorReason_ERROR_REASON_TARGET_TWIN_NOT_FOUND:     TargetTwinNotFound,
	twinfrontv1.ErrorReason_ERROR_REASON_MODEL_HAS_DEPENDENTS:      ModelHasDependents,
	twinfrontv1.ErrorReason_ERROR_REASON_MODEL_DECOMMISSIONED:      ModelDecommissioned,
	twinfrontv1.ErrorReason_ERROR_REASON_VALIDATION_FAILED:         ValidationFailed,
	twinfrontv1.ErrorReason_ERROR_REASON_JSON_PATCH_INVALID:        JSONPatchInvalid,
	twinfrontv1.ErrorReason_ERROR_REASON_DTDL_INVALID:              DTDLInvalid,
	twinfrontv1.ErrorReason_ERROR_REASON_QUERY_INVALID:             QueryInvalid,
	twinfrontv1.ErrorReason_ERROR_REASON_PAGE_TOKEN_INVALID:        PageTokenInvalid,
	twinfrontv1.ErrorReason_ERROR_REASON_UPSTREAM_THROTTLED:        Throttled,
	twinfrontv1.ErrorReason_ERROR_REASON_LIMIT_REACHED:             LimitReached,
	twinfrontv1.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN:           OutcomeUnknown,
	twinfrontv1.ErrorReason_ERROR_REASON_VALIDATE_ONLY_UNSUPPORTED: ValidateOnlyUnsupported,
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

// Error is a call that ended with a status other than OK. [errors.As] finds it in every error of a [Client]'s calls,
// and [status.FromError] still finds the status.
type Error struct {
	// Kind is the class of the error: by its reason, else by its code.
	Kind Kind
	// Code is the gRPC code.
	Code codes.Code
	// Reason says why, as a name of ErrorReason without prefix, such as "ETAG_MISMATCH"; empty if the server gave none.
	Reason string
	// Message is a sentence for people.
	Message string
	// Metadata has the ids that the error is about, by request field: {"digital_twin_id": "room-1"}.
	Metadata map[string]string
	// RequestID is the id under which the server logged the call; empty if it did not get there.
	RequestID string

	status *status.Status
}

func (e *Error) Error() string {
	name := e.Reason
	if name == "" {
		name = e.Code.String()
	}
	if e.RequestID != "" {
		return fmt.Sprintf("[%s] %s (request id %s)", name, e.Message, e.RequestID)
	}
	return fmt.Sprintf("[%s] %s", name, e.Message)
}

// Is tells whether the target is the error's kind, or a more general one.
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && (kind == e.Kind || kind == kindByCode[e.Code])
}

// GRPCStatus gives the status, with all its details.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// base is what all kinds of errors have; embedded under its own name, Error would hide the method.
type base = Error

// EtagMismatchError is the error of the kind [EtagMismatch]: the etag in if_match is not the current one.
type EtagMismatchError struct {
	*base
	// Resource is a path: "digitaltwins/{id}" or "digitaltwins/{id}/relationships/{relationship id}".
	Resource string
	// ExpectedEtag is the etag that the call asked for.
	ExpectedEtag string
	// CurrentEtag is the etag that the resource had; empty if it could not be read, or is gone by now.
	CurrentEtag string
}

// Unwrap gives the error without what is particular to it.
func (e *EtagMismatchError) Unwrap() error { return e.base }

// TwinHasRelationshipsError is the error of the kind [TwinHasRelationships]: delete them first, or along with the twin.
type TwinHasRelationshipsError struct {
	*base
	// Outgoing has relationships that start from the twin; both lists together name 20 at the most.
	Outgoing []*twinfrontv1.RelationshipsBlockingDelete_BlockingRelationship
	// Incoming has relationships that point to the twin.
	Incoming []*twinfrontv1.RelationshipsBlockingDelete_BlockingRelationship
	// OutgoingCount is how many relationships start from the twin, listed or not.
	OutgoingCount int64
	// IncomingCount is how many relationships point to the twin, listed or not.
	IncomingCount int64
	// CountsAreLowerBounds tells whether there may be more, because there was no time to count them all.
	CountsAreLowerBounds bool
}

// Unwrap gives the error without what is particular to it.
func (e *TwinHasRelationshipsError) Unwrap() error { return e.base }

// RetryableError is an error of the kinds [Throttled] and [Unavailable] that says when to try again.
type RetryableError struct {
	*base
	// RetryAfter is how long to wait before the next try.
	RetryAfter time.Duration
}

// Unwrap gives the error without what is particular to it.
func (e *RetryableError) Unwrap() error { return e.base }

// FieldViolation is what is wrong with one field of a request.
type FieldViolation struct {
	// Field is the field's path in the request: `digital_twin.properties["temperature"]`, `patch[2].path`.
	Field string
	// Description says what is wrong with it.
	Description string
	// Reason is a name of ErrorReason without prefix; empty if there is none.
	Reason string
}

// InvalidArgumentError is an error of the kind [InvalidArgument] or one of its particular kinds.
type InvalidArgumentError struct {
	*base
	// FieldViolations are the fields that are wrong; empty if the server named none.
	FieldViolations []FieldViolation
}

// Unwrap gives the error without what is particular to it.
func (e *InvalidArgumentError) Unwrap() error { return e.base }

// FromError makes the error of a call of plain stubs a typed one. What is typed already, nil, and what is no status
// come back as they are.
func FromError(err error) error { return typed(err, nil) }

// FromStatus makes the status of an item of a batch or an import an error; nil if the item did not fail.
func FromStatus(s *spb.Status) error {
	if s.GetCode() == int32(codes.OK) {
		return nil
	}
	return typedStatus(status.FromProto(s), "")
}

func typed(err error, trailers metadata.MD) error {
	var own *Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &own) {
		return err
	}
	s, ok := status.FromError(err)
	if !ok {
		if s = status.FromContextError(err); s.Code() == codes.Unknown {
			return err
		}
	}
	var requestID string
	if values := trailers.Get(requestIDTrailer); len(values) > 0 {
		requestID = values[0]
	}
	return typedStatus(s, requestID)
}

func typedStatus(s *status.Status, requestID string) error {
	common := &Error{Kind: Other, Code: s.Code(), Message: s.Message(), RequestID: requestID, status: s}
	if kind, ok := kindByCode[s.Code()]; ok {
		common.Kind = kind
	}
	var violations []FieldViolation
	var conflict *twinfrontv1.EtagConflict
	var blocking *twinfrontv1.RelationshipsBlockingDelete
	var retry *errdetails.RetryInfo
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == domain {
				common.Reason, common.Metadata = detail.GetReason(), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, v := range detail.GetFieldViolations() {
				violations = append(violations, FieldViolation{v.GetField(), v.GetDescription(), v.GetReason()})
			}
		case *errdetails.RetryInfo:
			retry = detail
		case *twinfrontv1.EtagConflict:
			conflict = detail
		case *twinfrontv1.RelationshipsBlockingDelete:
			blocking = detail
		}
	}
	reason := twinfrontv1.ErrorReason(twinfrontv1.ErrorReason_value["ERROR_REASON_"+common.Reason])
	if kind, ok := kindByReason[reason]; ok {
		common.Kind = kind
	}
	switch {
	case common.Kind == EtagMismatch:
		return &EtagMismatchError{common, conflict.GetResource(), conflict.GetExpectedEtag(), conflict.GetCurrentEtag()}
	case common.Kind == TwinHasRelationships:
		return &TwinHasRelationshipsError{
			base:                 common,
			Outgoing:             blocking.GetOutgoing(),
			Incoming:             blocking.GetIncoming(),
			OutgoingCount:        blocking.GetOutgoingCount(),
			IncomingCount:        blocking.GetIncomingCount(),
			CountsAreLowerBounds: blocking.GetCountsAreLowerBounds(),
		}
	case common.Code == codes.InvalidArgument:
		return &InvalidArgumentError{common, violations}
	case (common.Kind == Throttled || common.Kind == Unavailable) && retry != nil:
		return &RetryableError{common, retry.GetRetryDelay().AsDuration()}
	}
	return common
}

func typedUnary(
	ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	var trailers metadata.MD
	err := invoke(ctx, method, request, reply, connection, append(opts, grpc.Trailer(&trailers))...)
	return typed(err, trailers)
}

func typedStream(
	ctx context.Context, desc *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, connection, method, opts...)
	if err != nil {
		return nil, typed(err, nil)
	}
	return typedClientStream{stream}, nil
}

type typedClientStream struct{ grpc.ClientStream }

func (s typedClientStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return typed(err, s.Trailer())
}
