package twinfront

import (
	"fmt"
	"net/netip"
	"strings"

	"google.golang.org/grpc/resolver"
)

// addresses resolves targets that are addresses, such as "ipv4:10.0.0.1:50051,10.0.0.2:50051" or "ipv6:[::1]:50051", which
// grpc has a resolver for in other languages only.
type addresses struct{ scheme string }

// Scheme is what a target of the kind begins with.
func (a addresses) Scheme() string { return a.scheme }

// Build tells the connection the addresses, once and for all.
func (a addresses) Build(
	target resolver.Target, connection resolver.ClientConn, _ resolver.BuildOptions,
) (resolver.Resolver, error) {
	var endpoints []resolver.Endpoint
	for text := range strings.SplitSeq(target.Endpoint(), ",") {
		address, err := netip.ParseAddrPort(text)
		if err != nil || address.Addr().Is4() != (a.scheme == "ipv4") {
			return nil, fmt.Errorf("%q is no address and port of the kind %s", text, a.scheme)
		}
		endpoints = append(endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address.String()}}})
	}
	return settled{}, connection.UpdateState(resolver.State{Endpoints: endpoints})
}

// settled is a resolver that has told all that it knows.
type settled struct{}

func (settled) ResolveNow(resolver.ResolveNowOptions) {}

func (settled) Close() {}
