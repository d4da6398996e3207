package twinfront

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	domain        = "twinfront"
	callIDTrailer = "twinfront-call-id"
	// No server means more than a day, and no program should sleep so long for one that errs.
	longestWait = 24 * time.Hour
)

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
	// Metadata has the ids that the error is about, by request field: {"digital_twin_id": "room-001"}.
	Metadata map[string]string
	// CallID is the id under which the server logged the call; empty if it did not get there.
	CallID string
	// Attempts is how often the call was sent, by this client and by gRPC's own retries.
	Attempts int

	status *status.Status
	cause  error
}

// Error gives the reason, or the code if there is none, the message, and the call id.
func (e *Error) Error() string {
	name := e.Reason
	if name == "" {
		name = e.Code.String()
	}
	if e.CallID != "" {
		return fmt.Sprintf("[%s] %s (call id %s)", name, e.Message, e.CallID)
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

// Unwrap gives the error that the status came in; nil for an item of a batch or an import.
func (e *Error) Unwrap() error { return e.cause }

// base is the part that all errors have in common; embedded under its own name, Error would hide the method.
type base = Error

// EtagMismatchError is the error of the kind [EtagMismatch]: the etag in if_match is not the current one. It has the
// fields of [Error] as well, as all errors below do.
type EtagMismatchError struct {
	*base
	// Resource is a path: "digitaltwins/{id}" or "digitaltwins/{id}/relationships/{relationship id}".
	Resource string
	// ExpectedEtag is the etag that the call asked for.
	ExpectedEtag string
	// CurrentEtag is the etag that the resource had; empty if it could not be read, or is gone by now.
	CurrentEtag string
}

// Unwrap gives the plain [Error].
func (e *EtagMismatchError) Unwrap() error { return e.base }

// TwinHasRelationshipsError is the error of the kind [TwinHasRelationships]: delete them first, or along with the twin.
type TwinHasRelationshipsError struct {
	*base
	// Outgoing has relationships that start from the twin; both lists together name 20 at the most.
	Outgoing []*twinfrontv1.RelationshipsBlockingDelete_BlockingRelationship
	// Incoming has relationships that point to the twin.
	Incoming []*twinfrontv1.RelationshipsBlockingDelete_BlockingRelationship
	// OutgoingTotal is how many relationships start from the twin, listed or not.
	OutgoingTotal int64
	// IncomingTotal is how many relationships point to the twin, listed or not.
	IncomingTotal int64
	// CountsAreLowerBounds tells whether there may be more, because there was no time to count them all.
	CountsAreLowerBounds bool
}

// Unwrap gives the plain [Error].
func (e *TwinHasRelationshipsError) Unwrap() error { return e.base }

// RetryableError is an error of the kinds [Throttled] and [Unavailable] that says when to try again.
type RetryableError struct {
	*base
	// RetryAfter is how long to wait before the next try, a day at the most.
	RetryAfter time.Duration
}

// Unwrap gives the plain [Error].
func (e *RetryableError) Unwrap() error { return e.base }

// FieldViolation is a fault of one field of a request.
type FieldViolation struct {
	// Field is the field's path in the request: `digital_twin.properties["temperature"]`, `patch[2].path`.
	Field string
	// Description is the fault, in words.
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

// Unwrap gives the plain [Error].
func (e *InvalidArgumentError) Unwrap() error { return e.base }

// FromError makes the error of a call of plain stubs a typed one, be it wrapped or not; the typed one wraps it in turn.
// Errors that are typed already, nil, and errors that are no status come back unchanged.
func FromError(err error) error { return typed(err, nil) }

// FromStatus makes the status of an item of a batch or an import an error; nil if the item did not fail.
func FromStatus(s *spb.Status) error {
	if s.GetCode() == int32(codes.OK) {
		return nil
	}
	return typedStatus(status.FromProto(s), nil, nil)
}

func typed(err error, trailers metadata.MD) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	var carrier interface{ GRPCStatus() *status.Status }
	if errors.As(err, &carrier) && carrier.GRPCStatus() != nil {
		return typedStatus(carrier.GRPCStatus(), trailers, err)
	}
	if s := status.FromContextError(err); s.Code() != codes.Unknown {
		return typedStatus(s, trailers, err)
	}
	return err
}

func typedStatus(s *status.Status, trailers metadata.MD, cause error) error {
	s = withoutContradiction(s)
	info := first(s, func(info *errdetails.ErrorInfo) bool { return info.GetDomain() == domain })
	common := &Error{
		Kind: kindOf(info.GetReason(), s.Code()), Code: s.Code(), Message: s.Message(),
		Reason: info.GetReason(), Metadata: info.GetMetadata(), Attempts: 1, status: s, cause: cause,
	}
	if values := trailers.Get(callIDTrailer); len(values) > 0 {
		common.CallID = values[0]
	}
	switch {
	case common.Kind == EtagMismatch:
		conflict := first[*twinfrontv1.EtagConflict](s, nil)
		return &EtagMismatchError{
			base:         common,
			Resource:     conflict.GetResource(),
			ExpectedEtag: conflict.GetExpectedEtag(),
			CurrentEtag:  conflict.GetCurrentEtag(),
		}
	case common.Kind == TwinHasRelationships:
		blocking := first[*twinfrontv1.RelationshipsBlockingDelete](s, nil)
		return &TwinHasRelationshipsError{
			base:                 common,
			Outgoing:             blocking.GetOutgoing(),
			Incoming:             blocking.GetIncoming(),
			OutgoingTotal:        blocking.GetOutgoingTotal(),
			IncomingTotal:        blocking.GetIncomingTotal(),
			CountsAreLowerBounds: blocking.GetCountsAreLowerBounds(),
		}
	case common.Code == codes.InvalidArgument:
		var violations []FieldViolation
		for _, v := range first[*errdetails.BadRequest](s, nil).GetFieldViolations() {
			violations = append(violations, FieldViolation{v.GetField(), v.GetDescription(), v.GetReason()})
		}
		return &InvalidArgumentError{base: common, FieldViolations: violations}
	case common.Kind == Throttled || common.Kind == Unavailable:
		if delay := first[*errdetails.RetryInfo](s, nil).GetRetryDelay(); delay != nil {
			return &RetryableError{base: common, RetryAfter: min(max(delay.AsDuration(), 0), longestWait)}
		}
	}
	return common
}

// first gives the first detail of a type that can be read and is wanted; the zero value if there is none.
func first[Detail any](s *status.Status, isWanted func(Detail) bool) (none Detail) {
	for _, detail := range s.Details() {
		if found, ok := detail.(Detail); ok && (isWanted == nil || isWanted(found)) {
			return found
		}
	}
	return none
}

// withoutContradiction undoes what grpc does with a status whose details are of another code, which is against its
// specification: it makes it INTERNAL, and hides what the server said in a message of its own.
func withoutContradiction(s *status.Status) *status.Status {
	told, ok := strings.CutPrefix(s.Message(), "grpc-status-details-bin mismatch: grpc-status=")
	if !ok || s.Code() != codes.Internal || len(s.Proto().GetDetails()) > 0 {
		return s
	}
	name, told, _ := strings.Cut(told, ", grpc-message=")
	quoted, _ := strconv.QuotedPrefix(told)
	message, _ := strconv.Unquote(quoted)
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		if code.String() == name {
			return status.New(code, message)
		}
	}
	return s
}
