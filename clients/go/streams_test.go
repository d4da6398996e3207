package twinfront_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// graphs is a GraphService whose exports are up to the test.
type graphs struct {
	twinfrontv1.UnimplementedGraphServiceServer
	export func(*twinfrontv1.ExportGraphRequest, grpc.ServerStreamingServer[twinfrontv1.ExportGraphResponse]) error
}

func (s *graphs) ExportGraph(
	request *twinfrontv1.ExportGraphRequest, stream grpc.ServerStreamingServer[twinfrontv1.ExportGraphResponse],
) error {
	return s.export(request, stream)
}

func TestAnExportGoesOnWhereItBroke(t *testing.T) {
	server := &graphs{export: func(
		request *twinfrontv1.ExportGraphRequest, stream grpc.ServerStreamingServer[twinfrontv1.ExportGraphResponse],
	) error {
		if request.GetResumeToken() == "" {
			return errors.Join(
				stream.Send(&twinfrontv1.ExportGraphResponse{Chunk: []byte("a"), ResumeToken: "1"}),
				stream.Send(&twinfrontv1.ExportGraphResponse{Chunk: []byte("b"), ResumeToken: "2"}), errLost)
		}
		return stream.Send(&twinfrontv1.ExportGraphResponse{Chunk: []byte("c after " + request.GetResumeToken())})
	}}
	client := serveAll(t, func(registrar grpc.ServiceRegistrar) {
		twinfrontv1.RegisterGraphServiceServer(registrar, server)
	})
	text, request := "", &twinfrontv1.ExportGraphRequest{}
	for message, err := range twinfront.ExportGraph(t.Context(), client, request) {
		if err != nil {
			t.Fatal(err)
		}
		text += string(message.GetChunk())
	}
	if text != "abc after 2" || request.GetResumeToken() != "" {
		t.Errorf("got %q", text)
	}
}

func TestAStreamIsTriedMoreOftenWhileServersStop(t *testing.T) {
	streams := 0
	draining := withReason(t, codes.Unavailable, "SERVER_DRAINING")
	client := serve(t, nil, &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		if streams++; streams < 7 {
			return draining
		}
		return stream.Send(&twinfrontv1.StreamQueryTwinsResponse{Rows: rows(1)})
	}}, eachBreakCounts)
	if got, err := collected(t.Context(), client); err != nil || len(got) != 1 || streams != 7 {
		t.Errorf("got %v, %v from %d streams", got, err, streams)
	}
}

func TestWithoutRetryAStreamThatBreaksIsNotGoneOnWith(t *testing.T) {
	streams := 0
	client := serve(t, nil, &queries{stream: func(*twinfrontv1.StreamQueryTwinsRequest, rowStream) error {
		streams++
		return errLost
	}}, twinfront.WithoutRetry())
	if _, err := collected(t.Context(), client); !errors.Is(err, twinfront.Unavailable) || streams != 1 {
		t.Errorf("%v from %d streams", err, streams)
	}
}

func TestAStreamThatTheServerForbidsToBeginAgainIsGivenUp(t *testing.T) {
	streams := 0
	client := serve(t, nil, &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		streams++
		stream.SetTrailer(metadata.Pairs("grpc-retry-pushback-ms", "-1"))
		return unreachable(t, 0)
	}})
	if _, err := collected(t.Context(), client); !errors.Is(err, twinfront.Unavailable) || streams != 1 {
		t.Errorf("%v from %d streams", err, streams)
	}
}
