package main

import (
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// described gives an error as all runners print it.
func described(err error) object {
	var own *twinfront.Error
	errors.As(err, &own)
	described := object{"kind": string(own.Kind), "reason": own.Reason, "metadata": own.Metadata}
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
		described["outgoingCount"] = blocked.OutgoingCount
		described["incomingCount"] = blocked.IncomingCount
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

func fill(text json.RawMessage, message proto.Message) error {
	if text == nil {
		return nil
	}
	return protojson.Unmarshal(text, message)
}
