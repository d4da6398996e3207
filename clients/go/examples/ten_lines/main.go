// Command ten_lines changes a room's temperature, unless somebody else was faster.
//
// It needs a server with a twin "room-001": TWINFRONT_ADDRESS, or localhost:50051.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func main() {
	if err := run(context.Background(), cmp.Or(os.Getenv("TWINFRONT_ADDRESS"), "localhost:50051")); err != nil {
		log.Fatal(err)
	}
}

// begin ten lines
func run(ctx context.Context, address string) error {
	client, err := twinfront.Dial(address)
	if err != nil {
		return err
	}
	defer client.Close()
	read, err := client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: "room-001"})
	if err != nil {
		return err
	}
	patch, err := twinfront.NewPatch().Replace("/temperature", 22.5).Operations()
	if err != nil {
		return err
	}
	_, err = client.DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{
		DigitalTwinId: "room-001", Patch: patch, IfMatch: read.GetDigitalTwin().GetEtag(),
	})
	if mismatch := (*twinfront.EtagMismatchError)(nil); errors.As(err, &mismatch) {
		fmt.Println("somebody was faster; the current etag is", mismatch.CurrentEtag)
		return nil
	}
	return err
}

// end ten lines
