package twinfront_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// contested is a server whose first writes fail with the errors given, and how often it was read and written.
type contested struct {
	twins
	reads, writes int
}

func newContested(failures ...error) *contested {
	c := &contested{}
	c.get = func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error) {
		c.reads++
		return &twinfrontv1.GetDigitalTwinResponse{DigitalTwin: &twinfrontv1.DigitalTwin{Etag: "read"}}, nil
	}
	c.update = func(
		_ context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
	) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
		c.writes++
		if request.GetIfMatch() != "read" {
			return nil, status.Error(codes.Internal, "there was no condition")
		}
		if c.writes <= len(failures) {
			return nil, failures[c.writes-1]
		}
		return &twinfrontv1.UpdateDigitalTwinResponse{Etag: "written"}, nil
	}
	return c
}

func mismatch(t *testing.T) error {
	t.Helper()
	s, err := status.New(codes.Aborted, "No.").WithDetails(
		&errdetails.ErrorInfo{Reason: "ETAG_MISMATCH", Domain: "twinfront"}, &twinfrontv1.EtagConflict{CurrentEtag: "other"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

func withReason(t *testing.T, code codes.Code, reason string) error {
	t.Helper()
	s, err := status.New(code, "No.").WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: "twinfront"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

func set(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error) {
	return twinfront.NewPatch().Replace("/counter", 1), nil
}

func TestAnUpdateIsTriedAgainWhenAnotherWriterWasFaster(t *testing.T) {
	server := newContested(mismatch(t), mismatch(t))
	client := serve(t, &server.twins, nil)
	etag, err := twinfront.UpdateWithRetry(t.Context(), client, "room-001", 3, set)
	if err != nil || etag != "written" || server.reads != 3 || server.writes != 3 {
		t.Errorf("got %q, %v after %d reads and %d writes", etag, err, server.reads, server.writes)
	}
}

func TestAnUpdateIsGivenUpAfterTheLastAttempt(t *testing.T) {
	server := newContested(mismatch(t), mismatch(t))
	client := serve(t, &server.twins, nil)
	etag, err := twinfront.UpdateWithRetry(t.Context(), client, "room-001", 2, set)
	var conflict *twinfront.EtagMismatchError
	if !errors.As(err, &conflict) || conflict.CurrentEtag != "other" || etag != "" || server.writes != 2 {
		t.Errorf("got %q, %v after %d writes", etag, err, server.writes)
	}
}

func TestAnUpdateWithNothingToChangeWritesNothing(t *testing.T) {
	server := newContested()
	client := serve(t, &server.twins, nil)
	nothing := func(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error) { return nil, nil }
	etag, err := twinfront.UpdateWithRetry(t.Context(), client, "room-001", 1, nothing)
	if err != nil || etag != "read" || server.writes != 0 {
		t.Errorf("got %q, %v after %d writes", etag, err, server.writes)
	}
}

func TestOtherErrorsEndAnUpdateAtOnce(t *testing.T) {
	var wrongValue *twinfront.ValueError
	own := errors.New("not today")
	for _, test := range []struct {
		name     string
		failures []error
		attempts int
		change   func(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error)
		expected func(error) bool
		writes   int
	}{
		{
			"no attempt", nil, 0, set,
			func(err error) bool { return err != nil }, 0,
		},
		{
			"another status", []error{status.Error(codes.NotFound, "No.")}, 5, set,
			func(err error) bool { return errors.Is(err, twinfront.NotFound) }, 1,
		},
		{
			"a conflict without a reason", []error{status.Error(codes.Aborted, "No.")}, 5, set,
			func(err error) bool { return errors.Is(err, twinfront.Aborted) }, 1,
		},
		{
			"a reason of another code", []error{withReason(t, codes.FailedPrecondition, "ETAG_MISMATCH")}, 5, set,
			func(err error) bool { return errors.Is(err, twinfront.FailedPrecondition) }, 1,
		},
		{
			"the change's own error", nil, 5,
			func(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error) { return nil, own },
			func(err error) bool { return err == own }, 0,
		},
		{
			"a conflict of the change's own", nil, 5,
			func(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error) { return nil, twinfront.Aborted },
			func(err error) bool { return err == twinfront.Aborted }, 0,
		},
		{
			"a patch that cannot be", nil, 5,
			func(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error) {
				return twinfront.NewPatch().Add("/a", math.NaN()), nil
			},
			func(err error) bool { return errors.As(err, &wrongValue) }, 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newContested(test.failures...)
			client := serve(t, &server.twins, nil)
			etag, err := twinfront.UpdateWithRetry(t.Context(), client, "room-001", test.attempts, test.change)
			if !test.expected(err) || etag != "" || server.reads > 1 || server.writes != test.writes {
				t.Errorf("got %q, %v after %d reads and %d writes", etag, err, server.reads, server.writes)
			}
		})
	}
}

func TestTheContextEndsThePauseBetweenUpdates(t *testing.T) {
	failures := make([]error, 1000)
	for i := range failures {
		failures[i] = mismatch(t)
	}
	server := newContested(failures...)
	client := serve(t, &server.twins, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := twinfront.UpdateWithRetry(ctx, client, "room-001", len(failures), set)
	if !errors.Is(err, twinfront.DeadlineExceeded) {
		t.Errorf("got %v after %d writes", err, server.writes)
	}
}

func TestNothingIsWrittenUnderAnEtagThatWasNotGiven(t *testing.T) {
	for name, answer := range map[string]*twinfrontv1.GetDigitalTwinResponse{
		"no twin": {Etag: "read"},
		"no etag": {DigitalTwin: &twinfrontv1.DigitalTwin{}},
	} {
		server := newContested()
		server.get = func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error) {
			return answer, nil
		}
		changes := 0
		_, err := twinfront.UpdateWithRetry(t.Context(), serve(t, &server.twins, nil), "room-001", 5,
			func(*twinfrontv1.DigitalTwin) (*twinfront.Patch, error) {
				changes++
				return set(nil)
			})
		if !errors.Is(err, twinfront.Other) || changes != 0 || server.writes != 0 {
			t.Errorf("%s: got %v after %d changes and %d writes", name, err, changes, server.writes)
		}
	}
}
