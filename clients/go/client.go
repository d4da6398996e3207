package twinfront

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the service config asks for health checks, which nobody makes without it
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// Version of the client, as it tells the server.
const Version = "0.1.0"

const (
	// Half a minute between pings finds a dead connection before the default timeout of a read; the server takes one
	// each 20 s.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 15 * time.Second
	// A page of 1000 models with their definitions is larger than the 4 MiB that are gRPC's default.
	maxReceiveBytes = 16 << 20
	// Details of errors ride in the trailers, and a gateway's may be large.
	maxReceiveMetadataBytes = 64 << 10
)

// Client is a connection to a server, with the stubs of all services on it. It is safe for concurrent use, and one is
// enough for a program.
//
// Every error that a call of it returns is an [*Error], or wraps one. A call whose context has no deadline gets the
// default one: 30 s to read, 60 s to write, 300 s for CreateModels and BatchWriteDigitalTwins, none for streams.
//
// Until its time is over, a call is sent again
//
//   - that changed nothing, as the error's reason says (SERVER_DRAINING, UPSTREAM_UNAVAILABLE), or because the connection
//     could not be made again;
//   - whose answer was lost with its connection, if it is a read or a write with a request_id. The client gives every
//     write one that can have one. The server knows by it that the write was applied, and a server that does not (after a
//     restart, or another one behind the same name) is believed only if it succeeds; a patch that adds elements to an
//     array or removes some, and a batch, are not sent again then.
//
// So a server that stops and starts again is not noticed. One that has never been there fails a call at once with the kind
// [Unavailable].
type Client struct {
	// DigitalTwins creates, reads, changes and deletes twins and their components, alone and in batches.
	DigitalTwins twinfrontv1.DigitalTwinServiceClient
	// Relationships creates, reads, lists, changes and deletes relationships.
	Relationships twinfrontv1.RelationshipServiceClient
	// Models uploads, reads, lists, decommissions and deletes models.
	Models twinfrontv1.ModelServiceClient
	// Queries runs queries, page by page or as a stream.
	Queries twinfrontv1.QueryServiceClient
	// Telemetry publishes telemetry of twins and components.
	Telemetry twinfrontv1.TelemetryServiceClient
	// EventRoutes says which events go to which endpoint.
	EventRoutes twinfrontv1.EventRouteServiceClient
	// Jobs starts and watches import and delete jobs.
	Jobs twinfrontv1.JobServiceClient
	// Graphs imports and exports models, twins and relationships as streams.
	Graphs twinfrontv1.GraphServiceClient
	// Changes tells how the graph changes, and how far the log of changes reaches.
	Changes twinfrontv1.ChangeServiceClient
	// Permissions tells what the caller may do.
	Permissions twinfrontv1.PermissionServiceClient

	connection *grpc.ClientConn
	calls      *calls
}

// TLS is how a client uses TLS. The zero value checks the server's certificate against the system's authorities.
type TLS struct {
	// CA is a PEM file with the authorities that may vouch for the server; the system's if empty.
	CA string
	// Cert is a PEM file with the client's certificate chain, for servers that ask for one (mTLS).
	Cert string
	// Key is a PEM file with the private key of Cert.
	Key string
	// ServerName is the name that the server's certificate has to bear, if it is not the one in the target.
	ServerName string
}

// Option is an option of [Dial].
type Option func(*options)

type options struct {
	tls         *TLS
	token       func(context.Context) (string, error)
	insecure    bool
	once        bool
	dialOptions []grpc.DialOption
}

// WithTLS connects over TLS, of version 1.2 at the least.
func WithTLS(config TLS) Option { return func(o *options) { o.tls = &config } }

// WithToken presents a bearer token with every call. The function is asked for it each time, by several calls at once,
// and has the call's context; if it fails, the call fails with the kind [Unauthenticated].
func WithToken(token func(context.Context) (string, error)) Option {
	return func(o *options) { o.token = token }
}

// WithInsecure allows to talk in the clear: to another machine, or with a token to this one.
func WithInsecure() Option { return func(o *options) { o.insecure = true } }

// WithoutRetry sends each call once, and goes on with no stream that broke.
func WithoutRetry() Option { return func(o *options) { o.once = true } }

// WithDialOptions adds options of grpc's own, which win over those of the client.
func WithDialOptions(dialOptions ...grpc.DialOption) Option {
	return func(o *options) { o.dialOptions = append(o.dialOptions, dialOptions...) }
}

// Dial makes a client for a target such as "localhost:50051", or anything else that [grpc.NewClient] takes, or several
// addresses as other clients of gRPC write them: "ipv4:10.0.0.1:50051,10.0.0.2:50051". It connects with the first call, and
// spreads calls over all addresses whose servers say that they are well.
//
// It fails if calls, or a token, would travel in the clear without having been allowed to, and if a file cannot be
// read. In the clear, calls travel to this machine alone unless [WithInsecure] says otherwise; a token never leaves it
// so, and stays on it only with [WithInsecure].
func Dial(target string, opts ...Option) (*Client, error) {
	var o options
	for _, option := range opts {
		option(&o)
	}
	transport, err := o.transport(target)
	if err != nil {
		return nil, err
	}
	calls := &calls{isOnce: o.once}
	dialOptions := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(sharedConfig().channel),
		grpc.WithUserAgent("twinfront-go/" + Version),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                keepaliveTime,
			Timeout:             keepaliveTimeout,
			PermitWithoutStream: true,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceiveBytes)),
		grpc.WithMaxHeaderListSize(maxReceiveMetadataBytes),
		grpc.WithChainUnaryInterceptor(calls.unary),
		grpc.WithChainStreamInterceptor(stream),
		grpc.WithStatsHandler(sendingWatch{&calls.wasSeen}),
		grpc.WithResolvers(addresses{"ipv4"}, addresses{"ipv6"}),
	}
	if o.once {
		dialOptions = append(dialOptions, grpc.WithDisableRetry())
	}
	if o.token != nil {
		dialOptions = append(dialOptions, grpc.WithPerRPCCredentials(bearer{o.token, o.tls != nil}))
	}
	connection, err := grpc.NewClient(target, append(dialOptions, o.dialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("twinfront: %w", err)
	}
	return &Client{
		DigitalTwins:  twinfrontv1.NewDigitalTwinServiceClient(connection),
		Relationships: twinfrontv1.NewRelationshipServiceClient(connection),
		Models:        twinfrontv1.NewModelServiceClient(connection),
		Queries:       twinfrontv1.NewQueryServiceClient(connection),
		Telemetry:     twinfrontv1.NewTelemetryServiceClient(connection),
		EventRoutes:   twinfrontv1.NewEventRouteServiceClient(connection),
		Jobs:          twinfrontv1.NewJobServiceClient(connection),
		Graphs:        twinfrontv1.NewGraphServiceClient(connection),
		Changes:       twinfrontv1.NewChangeServiceClient(connection),
		Permissions:   twinfrontv1.NewPermissionServiceClient(connection),
		connection:    connection,
		calls:         calls,
	}, nil
}

// Connection gives the connection itself, for stubs of other services such as gRPC's health.
func (c *Client) Connection() *grpc.ClientConn { return c.connection }

// Close ends the calls in flight and closes the connection.
func (c *Client) Close() error { return c.connection.Close() }

func (o *options) transport(target string) (credentials.TransportCredentials, error) {
	if o.tls != nil {
		if o.insecure {
			return nil, errors.New("twinfront: TLS and insecure exclude each other")
		}
		return o.tls.credentials()
	}
	loopback := isLoopback(target)
	switch {
	case !loopback && !o.insecure:
		return nil, fmt.Errorf("twinfront: %s is not on this machine: use TLS, or insecure to talk in the clear", target)
	case !loopback && o.token != nil:
		return nil, fmt.Errorf("twinfront: a token does not travel to %s in the clear: use TLS", target)
	case o.token != nil && !o.insecure:
		return nil, errors.New("twinfront: a token travels in the clear only on this machine and if insecure says so: " +
			"else use TLS")
	}
	return insecure.NewCredentials(), nil
}

func (t *TLS) credentials() (credentials.TransportCredentials, error) {
	if (t.Cert == "") != (t.Key == "") {
		return nil, errors.New("twinfront: Cert and Key go together: TLS has both or none")
	}
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("twinfront: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("twinfront: %s has no certificate in it", t.CA)
		}
	}
	if t.Cert != "" {
		certificate, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("twinfront: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return credentials.NewTLS(config), nil
}

type bearer struct {
	token  func(context.Context) (string, error)
	secure bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	// The connection's own look at health is nobody's call; a token that is not to be had would make all servers ill.
	if call, ok := credentials.RequestInfoFromContext(ctx); ok && call.Method == healthpb.Health_Watch_FullMethodName {
		return nil, nil
	}
	token, err := b.token(ctx)
	if err != nil {
		return nil, err
	}
	isOutside := func(r rune) bool { return r <= ' ' || r > '~' }
	if token == "" || strings.ContainsFunc(token, isOutside) {
		return nil, errors.New("the token is empty, or has characters that no bearer token has")
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }

// isLoopback tells whether a target ("host:port", "dns:///host:port", "ipv4:…", "unix:…") is on this machine for sure.
func isLoopback(target string) bool {
	scheme, rest, _ := strings.Cut(target, ":")
	switch scheme {
	case "unix", "unix-abstract":
		return true
	case "dns", "passthrough", "ipv4", "ipv6":
		authority, endpoint, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		switch {
		case !strings.HasPrefix(rest, "//"):
			target = rest
		case authority == "":
			target = endpoint
		default:
			return false // a name server elsewhere says where it is
		}
	}
	for address := range strings.SplitSeq(target, ",") {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = strings.Trim(address, "[]")
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
