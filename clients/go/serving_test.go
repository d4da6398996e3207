package twinfront_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// twins is a DigitalTwinService that fails on demand; the real one cannot be made to break at a given point.
type twins struct {
	twinfrontv1.UnimplementedDigitalTwinServiceServer
	get    func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error)
	update func(context.Context, *twinfrontv1.UpdateDigitalTwinRequest) (*twinfrontv1.UpdateDigitalTwinResponse, error)
}

func (s *twins) GetDigitalTwin(
	ctx context.Context, request *twinfrontv1.GetDigitalTwinRequest,
) (*twinfrontv1.GetDigitalTwinResponse, error) {
	return s.get(ctx, request)
}

func (s *twins) UpdateDigitalTwin(
	ctx context.Context, request *twinfrontv1.UpdateDigitalTwinRequest,
) (*twinfrontv1.UpdateDigitalTwinResponse, error) {
	return s.update(ctx, request)
}

// queries is a QueryService whose streams and pages are up to the test.
type queries struct {
	twinfrontv1.UnimplementedQueryServiceServer
	stream func(*twinfrontv1.StreamQueryTwinsRequest, grpc.ServerStreamingServer[twinfrontv1.StreamQueryTwinsResponse]) error
	page   func(context.Context, *twinfrontv1.QueryTwinsRequest) (*twinfrontv1.QueryTwinsResponse, error)
}

func (s *queries) StreamQueryTwins(
	request *twinfrontv1.StreamQueryTwinsRequest,
	stream grpc.ServerStreamingServer[twinfrontv1.StreamQueryTwinsResponse],
) error {
	return s.stream(request, stream)
}

func (s *queries) QueryTwins(
	ctx context.Context, request *twinfrontv1.QueryTwinsRequest,
) (*twinfrontv1.QueryTwinsResponse, error) {
	return s.page(ctx, request)
}

// serve serves what is not nil in this process, and gives a client of it.
func serve(t *testing.T, twins *twins, queries *queries, options ...twinfront.Option) *twinfront.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	if twins != nil {
		twinfrontv1.RegisterDigitalTwinServiceServer(server, twins)
	}
	if queries != nil {
		twinfrontv1.RegisterQueryServiceServer(server, queries)
	}
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	client, err := twinfront.Dial(listener.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}
