package twinfront

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// UpdateWithRetry reads a twin, asks for a change to it, and writes the change under the twin's etag. When another
// writer was faster it does all of it again after a pause (up to 50 ms after the first attempt, twice as long after each
// further one, 2 s at the most).
//
// The change gets the twin, and returns a patch, or nil if there is nothing to change. It may be called as often as there
// are attempts.
//
// UpdateWithRetry returns the twin's etag. It fails with an [*EtagMismatchError] if another writer was faster at the last
// attempt too; with the error of the change or of a call at once. Nothing is written under an etag that the server did not
// give.
func UpdateWithRetry(
	ctx context.Context, client *Client, digitalTwinID string, attempts int,
	change func(*twinfrontv1.DigitalTwin) (*Patch, error),
) (string, error) {
	if attempts < 1 {
		return "", fmt.Errorf("twinfront: attempts is %d, and has to be 1 at the least", attempts)
	}
	for attempt := 1; ; attempt++ {
		read, err := client.DigitalTwins.GetDigitalTwin(
			ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: digitalTwinID})
		if err != nil {
			return "", err
		}
		twin := read.GetDigitalTwin()
		switch {
		case twin == nil:
			return "", typedStatus(status.New(codes.Internal, "the server answered without a twin"), nil, nil)
		case twin.GetEtag() == "": // a write under it would be one without condition
			return "", typedStatus(status.New(codes.Internal, "the server answered without an etag"), nil, nil)
		}
		patch, err := change(twin)
		if err != nil {
			return "", err
		}
		if patch == nil {
			return twin.GetEtag(), nil
		}
		operations, err := patch.Operations()
		if err != nil {
			return "", err
		}
		written, err := client.DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{
			DigitalTwinId: digitalTwinID, Patch: operations, IfMatch: twin.GetEtag(),
		})
		// Only the server knows that nothing was written; ABORTED alone can be of anything in between.
		if err == nil || !errors.Is(err, EtagMismatch) || attempt == attempts {
			return written.GetEtag(), err
		}
		if err := sleep(ctx, pause(attempt)); err != nil {
			return "", err
		}
	}
}
