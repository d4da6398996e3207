package twinfront_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// errLost is what a caller sees of a connection that broke.
var errLost = status.Error(codes.Unavailable, "lost")

// written is a server whose attempts at a write end with the errors given, and then with success.
type written struct {
	twins
	ids []string
}

func failing(failures ...error) *written {
	w := &written{}
	w.update = func(
		ctx context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
	) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
		w.ids = append(w.ids, request.GetRequestId())
		if len(w.ids) > len(failures) {
			return &twinfrontv1.UpdateDigitalTwinResponse{Etag: "written"}, nil
		}
		return nil, failures[len(w.ids)-1]
	}
	return w
}

func update(client *twinfront.Client, request *twinfrontv1.UpdateDigitalTwinRequest) error {
	_, err := client.DigitalTwins.UpdateDigitalTwin(context.Background(), request)
	return err
}

func TestAWriteWhoseAnswerIsLostIsSentAgainUnderOneID(t *testing.T) {
	server := failing(errLost, errLost)
	request := &twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: "room-001"}
	if err := update(serve(t, &server.twins, nil), request); err != nil {
		t.Fatal(err)
	}
	if len(server.ids) != 3 || server.ids[0] == "" || server.ids[1] != server.ids[0] || server.ids[2] != server.ids[0] {
		t.Errorf("the ids are %q", server.ids)
	}
	if request.GetRequestId() != "" {
		t.Error("the caller's request was changed")
	}
}

func TestEachWriteHasAnIDOfItsOwn(t *testing.T) {
	server := failing()
	client := serve(t, &server.twins, nil)
	for range 2 {
		if err := update(client, &twinfrontv1.UpdateDigitalTwinRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if server.ids[0] == server.ids[1] {
		t.Errorf("the ids are %q", server.ids)
	}
}

func TestTheIDOfTheCallerIsKept(t *testing.T) {
	server := failing(errLost)
	request := &twinfrontv1.UpdateDigitalTwinRequest{RequestId: "order-4711"}
	if err := update(serve(t, &server.twins, nil), request); err != nil || server.ids[1] != "order-4711" {
		t.Errorf("%v, under %q", err, server.ids)
	}
}

func TestADryRunHasNoID(t *testing.T) {
	server := failing()
	request := &twinfrontv1.UpdateDigitalTwinRequest{ValidateOnly: true}
	if err := update(serve(t, &server.twins, nil), request); err != nil || server.ids[0] != "" {
		t.Errorf("%v, under %q", err, server.ids)
	}
}

func TestAWriteWhoseAnswersAreLostEndsAfterFiveAttempts(t *testing.T) {
	server := failing(errLost, errLost, errLost, errLost, errLost, errLost)
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.Unavailable) || len(server.ids) != 5 {
		t.Errorf("%v after %d attempts", err, len(server.ids))
	}
}

func TestARefusalAfterALostAnswerIsNotBelieved(t *testing.T) {
	server := failing(errLost, mismatch(t))
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.Unavailable) || len(server.ids) != 2 {
		t.Errorf("%v after %d attempts", err, len(server.ids))
	}
}

func TestARefusalThatIsTheFirstAttemptsOwnIsBelieved(t *testing.T) {
	server := failing(errLost, mismatch(t))
	plain := server.update
	server.update = func(
		ctx context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
	) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
		if len(server.ids) == 1 {
			if err := grpc.SetTrailer(ctx, metadata.Pairs("twinfront-replayed", "true")); err != nil {
				return nil, err
			}
		}
		return plain(ctx, request)
	}
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.EtagMismatch) {
		t.Error(err)
	}
}

func TestWhatWouldDoMoreIfItWereAppliedTwiceIsNotSentAgainAfterALoss(t *testing.T) {
	for _, test := range []struct {
		op    twinfrontv1.JsonPatchOperation_Op
		path  string
		times int
	}{
		{twinfrontv1.JsonPatchOperation_OP_ADD, "/list/-", 1},
		{twinfrontv1.JsonPatchOperation_OP_ADD, "/list/0", 1},
		{twinfrontv1.JsonPatchOperation_OP_REMOVE, "/list/12", 1},
		{twinfrontv1.JsonPatchOperation_OP_REPLACE, "/list/0", 2},
		{twinfrontv1.JsonPatchOperation_OP_ADD, "/list0", 2},
		{twinfrontv1.JsonPatchOperation_OP_REMOVE, "/", 2},
	} {
		server := failing(errLost)
		err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{
			Patch: []*twinfrontv1.JsonPatchOperation{{Op: test.op, Path: test.path}},
		})
		if len(server.ids) != test.times || (err == nil) != (test.times == 2) {
			t.Errorf("%s %s: %v after %d attempts", test.op, test.path, err, len(server.ids))
		}
	}
}

func TestABatchIsNotSentAgainAfterALoss(t *testing.T) {
	batches := 0
	server := &twins{batch: func(
		context.Context, *twinfrontv1.BatchWriteDigitalTwinsRequest,
	) (*twinfrontv1.BatchWriteDigitalTwinsResponse, error) {
		batches++
		return nil, errLost
	}}
	_, err := serve(t, server, nil).DigitalTwins.BatchWriteDigitalTwins(
		t.Context(), &twinfrontv1.BatchWriteDigitalTwinsRequest{})
	if !errors.Is(err, twinfront.Unavailable) || batches != 1 {
		t.Errorf("%v after %d attempts", err, batches)
	}
}

func TestWhatAStoppingServerRefusedIsSentAgainWhileThereIsTime(t *testing.T) {
	draining := withReason(t, codes.Unavailable, "SERVER_DRAINING")
	server := failing(draining, draining, draining, draining, draining, draining)
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if err != nil || len(server.ids) != 7 {
		t.Errorf("%v after %d attempts", err, len(server.ids))
	}
}

// unreachable is what a server says whose upstream is not there, and when to try again.
func unreachable(t *testing.T, wait time.Duration) error {
	t.Helper()
	s, err := status.New(codes.Unavailable, "No.").WithDetails(
		&errdetails.ErrorInfo{Domain: "twinfront", Reason: "UPSTREAM_UNAVAILABLE"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

func TestAWriteThatTheUpstreamDidNotGetIsSentAgainFourTimes(t *testing.T) {
	none := unreachable(t, 0)
	server := failing(none, none, none, none, none)
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.Unavailable) || len(server.ids) != 5 {
		t.Errorf("%v after %d attempts", err, len(server.ids))
	}
}

func TestAnErrorSaysHowOftenTheCallWasSent(t *testing.T) {
	none := unreachable(t, 0)
	server := failing(none, none, none, none, none)
	reads := 0
	server.get = func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error) {
		reads++
		return nil, errLost
	}
	client := serve(t, &server.twins, nil)
	errs := []error{get(t.Context(), client), update(client, &twinfrontv1.UpdateDigitalTwinRequest{})}
	for number, attempts := range []int{reads, len(server.ids)} {
		var failure *twinfront.Error
		if !errors.As(errs[number], &failure) || failure.Attempts != attempts || attempts != 5 {
			t.Errorf("%+v after %d attempts", failure, attempts)
		}
	}
}

func TestTheServersWordOnWhenToTryAgainIsKept(t *testing.T) {
	server := failing(unreachable(t, 300*time.Millisecond))
	start := time.Now()
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if err != nil || time.Since(start) < 300*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestATimeToWaitBeyondThatOfTheCallEndsItAtOnce(t *testing.T) {
	server := failing(unreachable(t, time.Hour))
	start := time.Now()
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.Unavailable) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestWithoutRetryACallIsSentOnce(t *testing.T) {
	server := failing(withReason(t, codes.Unavailable, "SERVER_DRAINING"))
	reads := 0
	server.get = func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error) {
		reads++
		return nil, errLost
	}
	client := serve(t, &server.twins, nil, twinfront.WithoutRetry())
	err := errors.Join(update(client, &twinfrontv1.UpdateDigitalTwinRequest{}), get(t.Context(), client))
	if !errors.Is(err, twinfront.Unavailable) || len(server.ids) != 1 || reads != 1 {
		t.Errorf("%v after %d writes and %d reads", err, len(server.ids), reads)
	}
}

func TestTheEndOfACallByItsCallerIsNoLoss(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := failing(errLost)
	plain := server.update
	server.update = func(
		call context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
	) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
		if len(server.ids) == 1 {
			cancel()
			<-call.Done()
		}
		return plain(call, request)
	}
	_, err := serve(t, &server.twins, nil).DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.CallCancelled) {
		t.Error(err)
	}
}

func TestAServerThatWasNeverThereFailsACallSoon(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	client, err := twinfront.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := update(client, &twinfrontv1.UpdateDigitalTwinRequest{}); !errors.Is(err, twinfront.Unavailable) {
		t.Error(err)
	}
}

func TestAServerThatStartsAgainIsNotNoticed(t *testing.T) {
	server := failing()
	register := func(registrar grpc.ServiceRegistrar) {
		twinfrontv1.RegisterDigitalTwinServiceServer(registrar, &server.twins)
	}
	socket := filepath.Join(t.TempDir(), "s") // no other program takes it meanwhile
	first := listenAt(t, "unix", socket, register)
	client, err := twinfront.Dial("unix:" + socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := update(client, &twinfrontv1.UpdateDigitalTwinRequest{}); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	again := time.AfterFunc(time.Second, func() { listenAt(t, "unix", socket, register) })
	defer again.Stop()
	if err := update(client, &twinfrontv1.UpdateDigitalTwinRequest{}); err != nil {
		t.Error(err)
	}
}

func TestAReadThatBreaksWaitsForAServerThatStartsAgain(t *testing.T) {
	server := failing()
	register := func(registrar grpc.ServiceRegistrar) {
		twinfrontv1.RegisterDigitalTwinServiceServer(registrar, &server.twins)
	}
	var first served
	reads := 0
	server.get = func(
		ctx context.Context, _ *twinfrontv1.GetDigitalTwinRequest,
	) (*twinfrontv1.GetDigitalTwinResponse, error) {
		if reads++; reads == 1 {
			go first.Stop()
			<-ctx.Done()
		}
		return &twinfrontv1.GetDigitalTwinResponse{}, nil
	}
	socket := filepath.Join(t.TempDir(), "s")
	first = listenAt(t, "unix", socket, register)
	client, err := twinfront.Dial("unix:" + socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	again := time.AfterFunc(6*time.Second, func() { listenAt(t, "unix", socket, register) })
	defer again.Stop()
	if err := get(t.Context(), client); err != nil || reads != 2 {
		t.Errorf("%v after %d reads", err, reads)
	}
}

func TestAServerThatForbidsAnotherAttemptIsObeyed(t *testing.T) {
	server := failing()
	server.update = func(
		ctx context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
	) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
		server.ids = append(server.ids, request.GetRequestId())
		return nil, errors.Join(grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "-1")), unreachable(t, 0))
	}
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.Unavailable) || len(server.ids) != 1 {
		t.Errorf("%v after %d attempts", err, len(server.ids))
	}
}

func TestACallThatTheServerFindsTooLateAfterALostAnswerSaysSo(t *testing.T) {
	server := failing(errLost, withReason(t, codes.DeadlineExceeded, "DEADLINE_EXCEEDED"))
	err := update(serve(t, &server.twins, nil), &twinfrontv1.UpdateDigitalTwinRequest{})
	if !errors.Is(err, twinfront.DeadlineExceeded) {
		t.Error(err)
	}
}
