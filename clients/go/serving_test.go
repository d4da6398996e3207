package twinfront_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// twins is a DigitalTwinService that fails on demand; the real one cannot be made to break at a given point.
type twins struct {
	twinfrontv1.UnimplementedDigitalTwinServiceServer
	get    func(context.Context, *twinfrontv1.GetDigitalTwinRequest) (*twinfrontv1.GetDigitalTwinResponse, error)
	update func(context.Context, *twinfrontv1.UpdateDigitalTwinRequest) (*twinfrontv1.UpdateDigitalTwinResponse, error)
	batch  func(
		context.Context, *twinfrontv1.BatchWriteDigitalTwinsRequest,
	) (*twinfrontv1.BatchWriteDigitalTwinsResponse, error)
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

func (s *twins) BatchWriteDigitalTwins(
	ctx context.Context, request *twinfrontv1.BatchWriteDigitalTwinsRequest,
) (*twinfrontv1.BatchWriteDigitalTwinsResponse, error) {
	return s.batch(ctx, request)
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
	return serveAll(t, func(server grpc.ServiceRegistrar) {
		if twins != nil {
			twinfrontv1.RegisterDigitalTwinServiceServer(server, twins)
		}
		if queries != nil {
			twinfrontv1.RegisterQueryServiceServer(server, queries)
		}
	}, options...)
}

// serveAll serves the services that are registered, and gives a client of them.
func serveAll(t *testing.T, register func(grpc.ServiceRegistrar), options ...twinfront.Option) *twinfront.Client {
	t.Helper()
	address := listen(t, register).address
	client, err := twinfront.Dial(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// served is a server in this process.
type served struct {
	*grpc.Server
	address string
}

func listen(t *testing.T, register func(grpc.ServiceRegistrar)) served {
	t.Helper()
	return listenAt(t, "tcp", "127.0.0.1:0", register)
}

func listenAt(t *testing.T, network, address string, register func(grpc.ServiceRegistrar)) served {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	healthy := health.NewServer()
	healthy.SetServingStatus("twinfront.server", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, healthy)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return served{server, listener.Addr().String()}
}
