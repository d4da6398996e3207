// Command ten_lines changes a room's temperature, unless somebody else was faster.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func main() {
	if err := run(context.Background(), os.Getenv("TWINFRONT_ADDRESS")); err != nil {
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
	read, err := client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: "room-1"})
	if err != nil {
		return err
	}
	patch, _ := twinfront.NewPatch().Replace("/temperature", 22.5).Operations()
	_, err = client.DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{
		DigitalTwinId: "room-1", Patch: patch, IfMatch: read.GetDigitalTwin().GetEtag(),
	})
	if mismatch := (*twinfront.EtagMismatchError)(nil); errors.As(err, &mismatch) {
		fmt.Println("somebody was faster; the current etag is", mismatch.CurrentEtag)
		return nil
	}
	return err
}

// end ten lines
