// Command conflict shows two writers of one twin, and a twin that its relationships keep from being deleted.
//
// It needs a server: TWINFRONT_ADDRESS, or localhost:50051.
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

const room = `{
  "@context": "dtmi:dtdl:context;3",
  "@id": "dtmi:example:go:Room;1",
  "@type": "Interface",
  "contents": [
    {"@type": "Property", "name": "temperature", "schema": "double"},
    {"@type": "Relationship", "name": "leadsTo"}
  ]
}`

func main() {
	client, err := twinfront.Dial(cmp.Or(os.Getenv("TWINFRONT_ADDRESS"), "localhost:50051"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	for _, step := range []func(context.Context, *twinfront.Client) error{furnish, conflict, blockedDelete} {
		if err := step(ctx, client); err != nil {
			log.Fatal(err)
		}
	}
}

func furnish(ctx context.Context, client *twinfront.Client) error {
	_, err := client.Models.CreateModels(ctx, &twinfrontv1.CreateModelsRequest{DtdlModels: []string{room}})
	if err != nil && !errors.Is(err, twinfront.AlreadyExists) {
		return err
	}
	properties, err := twinfront.ToValues(map[string]any{"temperature": 20.5})
	if err != nil {
		return err
	}
	for _, id := range []string{"go-lobby", "go-library"} {
		twin := &twinfrontv1.DigitalTwin{ModelId: "dtmi:example:go:Room;1", Properties: properties}
		_, err := client.DigitalTwins.CreateOrReplaceDigitalTwin(ctx,
			&twinfrontv1.CreateOrReplaceDigitalTwinRequest{DigitalTwinId: id, DigitalTwin: twin})
		if err != nil {
			return err
		}
	}
	return nil
}

func conflict(ctx context.Context, client *twinfront.Client) error {
	stale, err := client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: "go-lobby"})
	if err != nil {
		return err
	}
	for _, temperature := range []float64{21, 22} { // the first write makes the etag of the second one stale
		patch, err := twinfront.NewPatch().Replace("/temperature", temperature).Operations()
		if err != nil {
			return err
		}
		_, err = client.DigitalTwins.UpdateDigitalTwin(ctx, &twinfrontv1.UpdateDigitalTwinRequest{
			DigitalTwinId: "go-lobby", Patch: patch, IfMatch: stale.GetDigitalTwin().GetEtag(),
		})
		var mismatch *twinfront.EtagMismatchError
		switch {
		case errors.As(err, &mismatch):
			fmt.Println("somebody was faster:", mismatch.CurrentEtag != stale.GetDigitalTwin().GetEtag())
		case err != nil:
			return err
		}
	}
	_, err = twinfront.UpdateWithRetry(ctx, client, "go-lobby", 5,
		func(twin *twinfrontv1.DigitalTwin) (*twinfront.Patch, error) {
			temperature := twinfront.FromValue(twin.GetProperties()["temperature"]).(float64)
			return twinfront.NewPatch().Replace("/temperature", temperature+1), nil
		})
	if err != nil {
		return err
	}
	read, err := client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: "go-lobby"})
	if err != nil {
		return err
	}
	fmt.Println("temperature:", twinfront.FromValues(read.GetDigitalTwin().GetProperties())["temperature"])
	return nil
}

func blockedDelete(ctx context.Context, client *twinfront.Client) error {
	door := &twinfrontv1.Relationship{Name: "leadsTo", TargetId: "go-library"}
	_, err := client.Relationships.CreateOrReplaceRelationship(ctx, &twinfrontv1.CreateOrReplaceRelationshipRequest{
		DigitalTwinId: "go-lobby", RelationshipId: "door", Relationship: door,
	})
	if err != nil {
		return err
	}
	request := &twinfrontv1.DeleteDigitalTwinRequest{DigitalTwinId: "go-library"}
	_, err = client.DigitalTwins.DeleteDigitalTwin(ctx, request)
	var blocked *twinfront.TwinHasRelationshipsError
	if !errors.As(err, &blocked) {
		return err
	}
	for _, blocker := range blocked.Incoming {
		fmt.Println("in the way:", blocker.GetSourceId(), blocker.GetName(), blocker.GetTargetId())
	}
	request.Relationships = twinfrontv1.Relationships_RELATIONSHIPS_DETACH
	deleted, err := client.DigitalTwins.DeleteDigitalTwin(ctx, request)
	if err != nil {
		return err
	}
	fmt.Println("deleted, with relationships:", deleted.GetIncomingRelationshipsDeleted())
	return nil
}
