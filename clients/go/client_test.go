package twinfront_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
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
		{"a name server elsewhere", "dns://192.0.2.1/localhost:443", nil, false},
		{"a scheme without slashes", "ipv6:[::1]:1", nil, true},
		{"another machine by a scheme without slashes", "dns:twins.example.com", nil, false},
		{"one of several addresses", "ipv4:127.0.0.1:1,192.0.2.1:1", nil, false},
		{"another machine, allowed", "twins.example.com:443", []twinfront.Option{clear}, true},
		{"another machine over TLS", "twins.example.com:443", []twinfront.Option{overTLS, token}, true},
		{"a token to another machine", "twins.example.com:443", []twinfront.Option{clear, token}, false},
		{"a token on this machine", "localhost:50051", []twinfront.Option{token}, false},
		{"a token on this machine, allowed", "localhost:50051", []twinfront.Option{clear, token}, true},
		{"TLS and insecure", "localhost:50051", []twinfront.Option{overTLS, clear}, false},
		{"nothing", "", nil, false},
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

func TestTLSFilesHaveToBeRight(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		config  twinfront.TLS
		problem string
	}{
		{"a certificate without its key", twinfront.TLS{Cert: empty}, "Cert and Key go together"},
		{"a key without its certificate", twinfront.TLS{Key: empty}, "Cert and Key go together"},
		{"authorities that are not there", twinfront.TLS{CA: empty + ".not"}, "no such file"},
		{"authorities without a certificate", twinfront.TLS{CA: empty}, "no certificate in it"},
		{"a certificate that is none", twinfront.TLS{Cert: empty, Key: empty}, "failed to find any PEM data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := twinfront.Dial("localhost:1", twinfront.WithTLS(test.config))
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v", err)
			}
		})
	}
}
