package twinfront_test

import (
	"context"
	"testing"

	"github.com/twinfront/twinfront/clients/go"
)

func TestNothingTravelsInTheClearUnasked(t *testing.T) {
	token := twinfront.WithToken(func(context.Context) (string, error) { return "t", nil })
	overTLS := twinfront.WithTLS(twinfront.TLS{})
	clear := twinfront.WithInsecure()
	for _, test := range []struct {
		name    string
		target  string
		options []twinfront.Option
		allowed bool
	}{
		{"loopback", "localhost:50051", nil, true},
		{"loopback by address", "127.0.0.1:50051", nil, true},
		{"loopback by IPv6 address", "[::1]:50051", nil, true},
		{"loopback by resolver", "dns:///localhost:50051", nil, true},
		{"a socket", "unix:/run/twinfront", nil, true},
		{"another machine", "twins.example.com:443", nil, false},
		{"a name that begins as loopback", "localhost.example.com:443", nil, false},
		{"one of several addresses", "ipv4:127.0.0.1:1,192.0.2.1:1", nil, false},
		{"another machine, allowed", "twins.example.com:443", []twinfront.Option{clear}, true},
		{"another machine over TLS", "twins.example.com:443", []twinfront.Option{overTLS, token}, true},
		{"a token to another machine", "twins.example.com:443", []twinfront.Option{clear, token}, false},
		{"a token on this machine", "localhost:50051", []twinfront.Option{token}, false},
		{"a token on this machine, allowed", "localhost:50051", []twinfront.Option{clear, token}, true},
		{"TLS and insecure", "localhost:50051", []twinfront.Option{overTLS, clear}, false},
		{"a certificate without its key", "localhost:1", []twinfront.Option{twinfront.WithTLS(twinfront.TLS{Cert: "c"})}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, err := twinfront.Dial(test.target, test.options...)
			if (err == nil) != test.allowed {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				client.Close()
			}
		})
	}
}
