// Package connecting makes the clients of the programs here from what their command lines say.
package connecting

import (
	"context"
	"flag"

	"github.com/twinfront/twinfront/clients/go"
)

// Options are what a command line says of a client.
type Options struct {
	Address, Token string
	TLS            twinfront.TLS
}

// Flags gives options that have their values once the flags are parsed.
func Flags() *Options {
	o := &Options{}
	flag.StringVar(&o.Address, "address", "localhost:50051", "target")
	flag.StringVar(&o.Token, "token", "", "bearer token, or a file with one")
	flag.StringVar(&o.TLS.CA, "ca", "", "PEM file")
	flag.StringVar(&o.TLS.Cert, "cert", "", "PEM file")
	flag.StringVar(&o.TLS.Key, "key", "", "PEM file")
	flag.StringVar(&o.TLS.ServerName, "server-name", "", "name in the server's certificate")
	return o
}

// Dial makes the client; it presents the token if there is one among the flags.
func (o *Options) Dial(token func(context.Context) (string, error)) (*twinfront.Client, error) {
	var options []twinfront.Option
	if o.Token != "" {
		options = append(options, twinfront.WithToken(token))
	}
	if o.TLS.CA != "" {
		options = append(options, twinfront.WithTLS(o.TLS))
	} else if o.Token != "" {
		options = append(options, twinfront.WithInsecure())
	}
	return twinfront.Dial(o.Address, options...)
}
