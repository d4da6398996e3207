package twinfront_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func get(ctx context.Context, client *twinfront.Client) error {
	_, err := client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: "room-001"})
	return err
}

// deadlines is a server that notes how much time each read was given; zero for no bound.
func deadlines(given *[]time.Duration) *twins {
	return &twins{get: func(
		ctx context.Context, _ *twinfrontv1.GetDigitalTwinRequest,
	) (*twinfrontv1.GetDigitalTwinResponse, error) {
		var left time.Duration
		if deadline, ok := ctx.Deadline(); ok {
			left = time.Until(deadline).Round(time.Second)
		}
		*given = append(*given, left)
		return &twinfrontv1.GetDigitalTwinResponse{}, nil
	}}
}

func TestADefaultDeadlineIsForCallsThatHaveNone(t *testing.T) {
	var given []time.Duration
	client := serve(t, deadlines(&given), nil)
	longer, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, ctx := range []context.Context{t.Context(), longer} {
		if err := get(ctx, client); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(given); got != "[30s 5m0s]" {
		t.Errorf("got %s", got)
	}
}

func TestErrorsOverTheWireAreTypedAndHaveACallID(t *testing.T) {
	client := serve(t, &twins{get: func(
		ctx context.Context, _ *twinfrontv1.GetDigitalTwinRequest,
	) (*twinfrontv1.GetDigitalTwinResponse, error) {
		trailer := metadata.Pairs("twinfront-call-id", "r1")
		return nil, errors.Join(grpc.SetTrailer(ctx, trailer), status.Error(codes.NotFound, "No."))
	}}, nil)
	err := get(t.Context(), client)
	var own *twinfront.Error
	if !errors.As(err, &own) || own.Kind != twinfront.NotFound || own.CallID != "r1" {
		t.Fatalf("got %#v", err)
	}
	if !strings.HasSuffix(err.Error(), "(call id r1)") {
		t.Errorf("got %v", err)
	}
}

func TestReadsAreSentAgainWhenTheServerIsUnavailable(t *testing.T) {
	reads := 0
	client := serve(t, &twins{
		get: func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error) {
			if reads++; reads < 3 {
				return nil, status.Error(codes.Unavailable, "Later.")
			}
			return &twinfrontv1.GetDigitalTwinResponse{}, nil
		},
	}, nil)
	if err := get(t.Context(), client); err != nil || reads != 3 {
		t.Errorf("%d reads: %v", reads, err)
	}
}

func TestWhatTheServerCancelledIsUnavailable(t *testing.T) {
	var reads, writes int
	client := serve(t, &twins{
		get: func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error) {
			if reads++; reads < 3 {
				return nil, status.Error(codes.Canceled, "CANCELLED")
			}
			return &twinfrontv1.GetDigitalTwinResponse{}, nil
		},
		update: func(context.Context, *twinfrontv1.UpdateDigitalTwinRequest) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
			writes++
			return nil, status.Error(codes.Canceled, "CANCELLED")
		},
	}, &queries{stream: func(
		*twinfrontv1.StreamQueryTwinsRequest, grpc.ServerStreamingServer[twinfrontv1.StreamQueryTwinsResponse],
	) error {
		return status.Error(codes.Canceled, "CANCELLED")
	}})
	if err := get(t.Context(), client); err != nil || reads != 3 {
		t.Errorf("%d reads: %v", reads, err)
	}
	_, err := client.DigitalTwins.UpdateDigitalTwin(t.Context(), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.Unavailable) || writes != 5 {
		t.Errorf("%d writes: %v", writes, err)
	}
	stream, err := client.Queries.StreamQueryTwins(t.Context(), &twinfrontv1.StreamQueryTwinsRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, twinfront.Unavailable) {
		t.Errorf("a stream: %v", err)
	}
}

func TestCallsOfAClosedClientAreCancelled(t *testing.T) {
	client := serve(t, &twins{}, nil)
	client.Close()
	if err := get(t.Context(), client); !errors.Is(err, twinfront.CallCancelled) {
		t.Errorf("got %v", err)
	}
}

func TestTheTokenIsAskedForAtEachCall(t *testing.T) {
	var came []string
	tokens := []string{"first", "second", "not a token"}
	client := serve(t, &twins{get: func(
		ctx context.Context, _ *twinfrontv1.GetDigitalTwinRequest,
	) (*twinfrontv1.GetDigitalTwinResponse, error) {
		came = append(came, metadata.ValueFromIncomingContext(ctx, "authorization")...)
		return &twinfrontv1.GetDigitalTwinResponse{}, nil
	}}, nil, twinfront.WithInsecure(), twinfront.WithToken(func(context.Context) (string, error) {
		if len(tokens) == 0 {
			return "", errors.New("the identity service is down")
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token, nil
	}))
	for range 2 {
		if err := get(t.Context(), client); err != nil {
			t.Fatal(err)
		}
	}
	for _, what := range []string{"a token with a space", "none at all"} {
		if err := get(t.Context(), client); !errors.Is(err, twinfront.Unauthenticated) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := fmt.Sprint(came); got != "[Bearer first Bearer second]" {
		t.Errorf("got %s", got)
	}
}

func TestTheServerIsToldWhoCalls(t *testing.T) {
	var agent []string
	client := serve(t, &twins{get: func(
		ctx context.Context, _ *twinfrontv1.GetDigitalTwinRequest,
	) (*twinfrontv1.GetDigitalTwinResponse, error) {
		agent = metadata.ValueFromIncomingContext(ctx, "user-agent")
		return &twinfrontv1.GetDigitalTwinResponse{}, nil
	}}, nil)
	if err := get(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if len(agent) != 1 || !strings.HasPrefix(agent[0], "twinfront-go/"+twinfront.Version) {
		t.Errorf("got %q", agent)
	}
}

// Three call options of the connection's own leave room in their slice, where calls that append to it would meet; -race
// sees it.
func TestCallsAtTheSameTimeKeepTheirTrailersApart(t *testing.T) {
	client := serve(t, &twins{get: func(
		ctx context.Context, request *twinfrontv1.GetDigitalTwinRequest,
	) (*twinfrontv1.GetDigitalTwinResponse, error) {
		trailer := metadata.Pairs("twinfront-call-id", request.GetDigitalTwinId())
		return nil, errors.Join(grpc.SetTrailer(ctx, trailer), status.Error(codes.NotFound, "No."))
	}}, nil, twinfront.WithDialOptions(
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)), grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(1<<20))))
	var calls sync.WaitGroup
	for i := range 100 {
		calls.Go(func() {
			request := &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: fmt.Sprint("r", i)}
			err := client.Connection().Invoke(
				t.Context(), twinfrontv1.DigitalTwinService_GetDigitalTwin_FullMethodName, request,
				&twinfrontv1.GetDigitalTwinResponse{})
			var own *twinfront.Error
			if !errors.As(err, &own) || own.CallID != request.GetDigitalTwinId() {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	calls.Wait()
}
