package twinfront

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
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
)

//go:embed service_config.json
var serviceConfig string

// Client is a connection to a server, with the stubs of all services on it. It is safe for concurrent use, and one is
// enough for a program.
//
// Every error that a call of it returns is an [*Error], or wraps one.
type Client struct {
	DigitalTwins  twinfrontv1.DigitalTwinServiceClient
	Relationships twinfrontv1.RelationshipServiceClient
	Models        twinfrontv1.ModelServiceClient
	Queries       twinfrontv1.QueryServiceClient
	Telemetry     twinfrontv1.TelemetryServiceClient
	EventRoutes   twinfrontv1.EventRouteServiceClient
	Jobs          twinfrontv1.JobServiceClient
	Graphs        twinfrontv1.GraphServiceClient

	connection *grpc.ClientConn
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
	dialOptions []grpc.DialOption
}

// WithTLS connects over TLS.
func WithTLS(config TLS) Option { return func(o *options) { o.tls = &config } }

// WithToken presents a bearer token with every call; the function is asked for it each time.
func WithToken(token func(context.Context) (string, error)) Option {
	return func(o *options) { o.token = token }
}

// WithInsecure allows to talk in the clear: to another machine, or with a token to this one.
func WithInsecure() Option { return func(o *options) { o.insecure = true } }

// WithDialOptions adds options of grpc's own, which win over those of the client.
func WithDialOptions(dialOptions ...grpc.DialOption) Option {
	return func(o *options) { o.dialOptions = append(o.dialOptions, dialOptions...) }
}

// Dial makes a client for a target such as "localhost:50051". It connects with the first call.
//
// It fails if calls, or a token, would travel in the clear without having been allowed to, and if a file cannot be
// read.
func Dial(target string, opts ...Option) (*Client, error) {
	var o options
	for _, option := range opts {
		option(&o)
	}
	transport, err := o.transport(target)
	if err != nil {
		return nil, err
	}
	dialOptions := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithUserAgent("twinfront-go/" + Version),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                keepaliveTime,
			Timeout:             keepaliveTimeout,
			PermitWithoutStream: true,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceiveBytes)),
		grpc.WithChainUnaryInterceptor(typedUnary),
		grpc.WithChainStreamInterceptor(typedStream),
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
		connection:    connection,
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
	scheme, rest, found := strings.Cut(target, ":")
	if found {
		switch scheme {
		case "unix", "unix-abstract":
			return true
		case "dns", "passthrough", "ipv4", "ipv6":
			target = rest[strings.LastIndex(rest, "/")+1:]
		}
	}
	for _, address := range strings.Split(target, ",") {
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
