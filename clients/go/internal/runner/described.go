package main

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// described gives an error as all runners print it.
func described(err error) object {
	var own *twinfront.Error
	errors.As(err, &own)
	described := object{"kind": string(own.Kind), "reason": own.Reason, "metadata": own.Metadata, "attempts": own.Attempts}
	if own.Metadata == nil {
		described["metadata"] = object{}
	}
	var mismatch *twinfront.EtagMismatchError
	var blocked *twinfront.TwinHasRelationshipsError
	var retryable *twinfront.RetryableError
	var invalid *twinfront.InvalidArgumentError
	switch {
	case errors.As(err, &mismatch):
		described["resource"] = mismatch.Resource
		described["expectedEtag"] = mismatch.ExpectedEtag
		described["currentEtag"] = mismatch.CurrentEtag
	case errors.As(err, &blocked):
		described["outgoing"] = blockers(blocked.Outgoing)
		described["incoming"] = blockers(blocked.Incoming)
		described["outgoingTotal"] = blocked.OutgoingTotal
		described["incomingTotal"] = blocked.IncomingTotal
	case errors.As(err, &retryable):
		described["retryAfterMs"] = retryable.RetryAfter.Milliseconds()
	case errors.As(err, &invalid):
		violations := []any{}
		for _, violation := range invalid.FieldViolations {
			violations = append(violations, object{"field": violation.Field, "reason": violation.Reason})
		}
		described["fieldViolations"] = violations
	}
	return described
}

func blockers(listed []*twinfrontv1.RelationshipsBlockingDelete_BlockingRelationship) []any {
	result := []any{}
	for _, blocker := range listed {
		result = append(result, object{
			"relationshipId": blocker.GetRelationshipId(), "sourceId": blocker.GetSourceId(),
			"targetId": blocker.GetTargetId(), "name": blocker.GetName(),
		})
	}
	return result
}

// codeName gives a code in capitals, as it is written on the wire's side of the world.
func codeName(err *twinfront.Error) string {
	if err.Code == codes.Canceled {
		return "CANCELLED"
	}
	var name strings.Builder
	for i, r := range err.Code.String() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(r)
	}
	return strings.ToUpper(name.String())
}
