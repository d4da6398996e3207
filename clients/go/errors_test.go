package twinfront_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func failure(t *testing.T, code codes.Code, reason string, details ...protoadapt.MessageV1) error {
	t.Helper()
	info := &errdetails.ErrorInfo{
		Reason: reason, Domain: "twinfront", Metadata: map[string]string{"digital_twin_id": "room-001"},
	}
	s, err := status.New(code, "No.").WithDetails(append([]protoadapt.MessageV1{info}, details...)...)
	if err != nil {
		t.Fatal(err)
	}
	return twinfront.FromError(s.Err())
}

func TestAnEtagMismatchCarriesBothEtags(t *testing.T) {
	err := failure(t, codes.Aborted, "ETAG_MISMATCH", &twinfrontv1.EtagConflict{
		Resource: "digitaltwins/room-001", ExpectedEtag: "a", CurrentEtag: "b",
	})
	var mismatch *twinfront.EtagMismatchError
	if !errors.As(err, &mismatch) || mismatch.CurrentEtag != "b" || mismatch.ExpectedEtag != "a" {
		t.Fatalf("got %#v", err)
	}
	if mismatch.Metadata["digital_twin_id"] != "room-001" || mismatch.Reason != "ETAG_MISMATCH" {
		t.Errorf("got %#v", mismatch)
	}
	for kind, want := range map[twinfront.Kind]bool{
		twinfront.EtagMismatch: true, twinfront.Aborted: true, twinfront.NotFound: false,
	} {
		if errors.Is(err, kind) != want {
			t.Errorf("is it %v?", kind)
		}
	}
	if status.Code(err) != codes.Aborted {
		t.Error("the status is lost")
	}
}

func TestATypedErrorSurvivesWrapping(t *testing.T) {
	plain := failure(t, codes.Aborted, "ETAG_MISMATCH", &twinfrontv1.EtagConflict{CurrentEtag: "b"})
	err := fmt.Errorf("the lobby: %w", plain)
	var mismatch *twinfront.EtagMismatchError
	if !errors.As(err, &mismatch) || mismatch.CurrentEtag != "b" {
		t.Errorf("got %#v", err)
	}
	var common *twinfront.Error
	if !errors.As(err, &common) || common.Reason != "ETAG_MISMATCH" {
		t.Errorf("got %#v", err)
	}
	if !errors.Is(err, twinfront.EtagMismatch) || !errors.Is(err, twinfront.Aborted) || status.Code(err) != codes.Aborted {
		t.Error("it is of another kind")
	}
	if again := twinfront.FromError(err); again != err {
		t.Errorf("it became %#v", again)
	}
}

func TestAStatusIsFoundInAnErrorThatWrapsIt(t *testing.T) {
	plain := status.Error(codes.NotFound, "No.")
	err := twinfront.FromError(fmt.Errorf("the lobby: %w", plain))
	var own *twinfront.Error
	if !errors.As(err, &own) || own.Kind != twinfront.NotFound || own.Message != "No." || !errors.Is(err, plain) {
		t.Errorf("got %#v", err)
	}
	err = twinfront.FromError(fmt.Errorf("the lobby: %w", context.DeadlineExceeded))
	if !errors.Is(err, twinfront.DeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %#v", err)
	}
}

func TestAnItemThatFailedHasATypedError(t *testing.T) {
	info := &errdetails.ErrorInfo{Reason: "TWIN_NOT_FOUND", Domain: "twinfront"}
	s, err := status.New(codes.NotFound, "No.").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	if err := twinfront.FromStatus(s.Proto()); !errors.Is(err, twinfront.TwinNotFound) || !errors.Is(err, twinfront.NotFound) {
		t.Errorf("got %#v", err)
	}
}

func TestAReasonOfAnotherDomainIsNone(t *testing.T) {
	info := &errdetails.ErrorInfo{Reason: "TWIN_NOT_FOUND", Domain: "else"}
	s, err := status.New(codes.NotFound, "No.").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	var own *twinfront.Error
	if err := twinfront.FromError(s.Err()); !errors.As(err, &own) || own.Kind != twinfront.NotFound || own.Reason != "" {
		t.Errorf("got %#v", err)
	}
}

func TestABlockedDeleteNamesTheRelationships(t *testing.T) {
	err := failure(t, codes.FailedPrecondition, "TWIN_HAS_RELATIONSHIPS", &twinfrontv1.RelationshipsBlockingDelete{
		Incoming:      []*twinfrontv1.RelationshipsBlockingDelete_BlockingRelationship{{SourceId: "floor"}},
		IncomingTotal: 42, CountsAreLowerBounds: true,
	})
	var blocked *twinfront.TwinHasRelationshipsError
	if !errors.As(err, &blocked) || blocked.Incoming[0].GetSourceId() != "floor" || blocked.IncomingTotal != 42 ||
		!blocked.CountsAreLowerBounds {
		t.Errorf("got %#v", err)
	}
}

func TestThrottlingSaysWhenToTryAgain(t *testing.T) {
	err := failure(t, codes.ResourceExhausted, "UPSTREAM_THROTTLED",
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)})
	var retryable *twinfront.RetryableError
	if !errors.As(err, &retryable) || retryable.RetryAfter != 1500*time.Millisecond || retryable.Kind != twinfront.Throttled {
		t.Errorf("got %#v", err)
	}
}

func TestAnInvalidArgumentNamesTheFields(t *testing.T) {
	err := failure(t, codes.InvalidArgument, "JSON_PATCH_INVALID", &errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "patch[0].path", Reason: "JSON_PATCH_INVALID"}},
	})
	var invalid *twinfront.InvalidArgumentError
	if !errors.As(err, &invalid) || invalid.FieldViolations[0].Field != "patch[0].path" {
		t.Errorf("got %#v", err)
	}
	if !errors.Is(err, twinfront.JSONPatchInvalid) || !errors.Is(err, twinfront.InvalidArgument) {
		t.Error("it is of another kind")
	}
}

func TestAReasonThatIsNotKnownGoesByItsCode(t *testing.T) {
	if err := failure(t, codes.NotFound, "SOMETHING_NEW"); !errors.Is(err, twinfront.NotFound) {
		t.Errorf("got %#v", err)
	}
	var own *twinfront.Error
	if err := failure(t, codes.Internal, ""); !errors.As(err, &own) || own.Kind != twinfront.Other {
		t.Errorf("got %#v", err)
	}
}

func TestWhatIsNoStatusStaysAsItIs(t *testing.T) {
	for _, err := range []error{nil, io.EOF, errors.ErrUnsupported} {
		if got := twinfront.FromError(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	if twinfront.FromStatus(nil) != nil {
		t.Error("an item that did not fail has an error")
	}
}

// withDetails makes an error of a status with details of these types and bytes.
func withDetails(code codes.Code, details ...*anypb.Any) error {
	return twinfront.FromStatus(&spb.Status{Code: int32(code), Message: "No.", Details: details})
}

func packed(t *testing.T, typeURL string, detail proto.Message) *anypb.Any {
	t.Helper()
	value, err := proto.Marshal(detail)
	if err != nil {
		t.Fatal(err)
	}
	return &anypb.Any{TypeUrl: typeURL, Value: value}
}

const infoURL = "type.googleapis.com/google.rpc.ErrorInfo"

func info(t *testing.T, domain, reason string) *anypb.Any {
	t.Helper()
	return packed(t, infoURL, &errdetails.ErrorInfo{Domain: domain, Reason: reason})
}

func TestADetailThatCannotBeReadLeavesTheOthers(t *testing.T) {
	broken := []byte{0xff, 0xff, 0xff}
	good := info(t, "twinfront", "TWIN_NOT_FOUND")
	for name, details := range map[string][]*anypb.Any{
		"another one":  {good, {TypeUrl: "type.googleapis.com/google.rpc.DebugInfo", Value: broken}},
		"of the type":  {{TypeUrl: infoURL, Value: broken}, good},
		"without type": {{Value: broken}, good},
		"other prefix": {packed(t, "example.com/google.rpc.ErrorInfo", &errdetails.ErrorInfo{
			Domain: "twinfront", Reason: "TWIN_NOT_FOUND",
		})},
	} {
		if err := withDetails(codes.NotFound, details...); !errors.Is(err, twinfront.TwinNotFound) {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func TestTheFirstReasonOfTheDomainCounts(t *testing.T) {
	err := withDetails(codes.NotFound,
		info(t, "example.com", "ZZZ"), info(t, "twinfront", "TWIN_NOT_FOUND"), info(t, "twinfront", "MODEL_NOT_FOUND"))
	if !errors.Is(err, twinfront.TwinNotFound) {
		t.Errorf("got %#v", err)
	}
}

func TestAReasonCountsOnlyWithItsCode(t *testing.T) {
	err := withDetails(codes.FailedPrecondition, info(t, "twinfront", "ETAG_MISMATCH"))
	var own *twinfront.Error
	if !errors.As(err, &own) || own.Kind != twinfront.FailedPrecondition || own.Reason != "ETAG_MISMATCH" ||
		errors.Is(err, twinfront.EtagMismatch) {
		t.Errorf("got %#v", err)
	}
}

func TestDetailsOfAnotherCodeThanTheStatusDoNotCount(t *testing.T) {
	details, err := proto.Marshal(&spb.Status{
		Code: int32(codes.Aborted), Message: "No.", Details: []*anypb.Any{info(t, "twinfront", "ETAG_MISMATCH")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, trailer := range map[string]string{"another code": string(details), "garbage": "\xff\xff"} {
		server := &twins{get: func(
			ctx context.Context, _ *twinfrontv1.GetDigitalTwinRequest,
		) (*twinfrontv1.GetDigitalTwinResponse, error) {
			if err := grpc.SetTrailer(ctx, metadata.Pairs("grpc-status-details-bin", trailer)); err != nil {
				return nil, err
			}
			return nil, status.Error(codes.NotFound, `Not "there", really.`)
		}}
		client := serve(t, server, nil)
		_, err := client.DigitalTwins.GetDigitalTwin(t.Context(), &twinfrontv1.GetDigitalTwinRequest{})
		var own *twinfront.Error
		if !errors.As(err, &own) || own.Kind != twinfront.NotFound || own.Code != codes.NotFound || own.Reason != "" ||
			own.Message != `Not "there", really.` {
			t.Errorf("%s: got %#v", name, err)
		}
	}
}

func TestTheTimeToWaitIsBetweenNothingAndADay(t *testing.T) {
	for _, test := range []struct {
		told *durationpb.Duration
		want time.Duration
	}{
		{&durationpb.Duration{Seconds: 1, Nanos: 500_000_000}, 1500 * time.Millisecond},
		{&durationpb.Duration{Seconds: -5}, 0},
		{&durationpb.Duration{Nanos: -1}, 0},
		{&durationpb.Duration{Seconds: 1 << 62}, 24 * time.Hour},
		{&durationpb.Duration{Seconds: math.MaxInt64, Nanos: 2_000_000_000}, 24 * time.Hour},
	} {
		err := failure(t, codes.Unavailable, "", &errdetails.RetryInfo{RetryDelay: test.told})
		var retryable *twinfront.RetryableError
		if !errors.As(err, &retryable) || retryable.RetryAfter != test.want {
			t.Errorf("%v became %#v", test.told, err)
		}
	}
}
