package twinfront_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func TestCallsAreSpreadOverTheAddressesOfATarget(t *testing.T) {
	one, other := failing(), failing()
	target := "ipv4:"
	for i, server := range []*written{one, other} {
		if i > 0 {
			target += ","
		}
		target += listen(t, func(registrar grpc.ServiceRegistrar) {
			twinfrontv1.RegisterDigitalTwinServiceServer(registrar, &server.twins)
		}).address
	}
	client, err := twinfront.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for start := time.Now(); len(one.ids) == 0 || len(other.ids) == 0; {
		if err := update(client, &twinfrontv1.UpdateDigitalTwinRequest{}); err != nil {
			t.Fatal(err)
		}
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%d and %d writes", len(one.ids), len(other.ids))
		}
	}
}

func TestATargetOfAddressesHasNothingElseInIt(t *testing.T) {
	for _, target := range []string{
		"ipv4:127.0.0.1", "ipv4:localhost:1", "ipv4:127.0.0.1:1,", "ipv4:[::1]:1", "ipv6:127.0.0.1:1", "ipv4:",
	} {
		client, err := twinfront.Dial(target, twinfront.WithInsecure())
		if err != nil {
			t.Fatal(err)
		}
		if err := get(t.Context(), client); !errors.Is(err, twinfront.Unavailable) {
			t.Errorf("%s: %v", target, err)
		}
		client.Close()
	}
}
