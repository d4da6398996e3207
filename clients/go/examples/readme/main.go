// Command readme runs the code blocks of the client's README.
//
// It needs a server: TWINFRONT_ADDRESS, or localhost:50051. With a TWINFRONT_TOKEN it connects over TLS, with ca.pem,
// client.pem and client-key.pem in the working folder.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const room = `{
  "@context": "dtmi:dtdl:context;3",
  "@id": "dtmi:example:readme:Room;1",
  "@type": "Interface",
  "contents": [
    {"@type": "Property", "name": "temperature", "schema": "double"},
    {"@type": "Property", "name": "visits", "schema": "long"},
    {"@type": "Property", "name": "labels", "schema": {
      "@type": "Map",
      "mapKey": {"name": "key", "schema": "string"},
      "mapValue": {"name": "value", "schema": "string"}
    }},
    {"@type": "Relationship", "name": "leadsTo"}
  ]
}`

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := dial(cmp.Or(os.Getenv("TWINFRONT_ADDRESS"), "localhost:50051"), os.Getenv("TWINFRONT_TOKEN"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := furnish(ctx, client); err != nil {
		log.Fatal(err)
	}
	if err := changed(ctx, client); err != nil {
		log.Fatal(err)
	}
	update := &twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: "go-hall", IfMatch: `W/"stale"`}
	if update.Patch, err = twinfront.NewPatch().Replace("/temperature", 19.0).Operations(); err != nil {
		log.Fatal(err)
	}
	_, err = client.DigitalTwins.UpdateDigitalTwin(ctx, update)
	fmt.Println(advice(err))
	if err := plainStub(ctx, client.Connection(), "go-nowhere"); !errors.Is(err, twinfront.TwinNotFound) {
		log.Fatal(err)
	}
	for _, step := range []func(context.Context, *twinfront.Client) error{list, query, imports, export, count, batch, permissions, watch, cached} {
		if err := step(ctx, client); err != nil {
			log.Fatal(err)
		}
	}
}

func dial(target, token string) (*twinfront.Client, error) {
	if token == "" {
		return twinfront.Dial(target)
	}
	return dialOverTLS(target, func(context.Context) (string, error) { return token, nil })
}

func dialOverTLS(target string, token func(context.Context) (string, error)) (*twinfront.Client, error) {
	client, err := twinfront.Dial(
		target,
		twinfront.WithTLS(twinfront.TLS{CA: "ca.pem", Cert: "client.pem", Key: "client-key.pem"}),
		twinfront.WithToken(token),
	)
	return client, err
}

func furnish(ctx context.Context, client *twinfront.Client) error {
	_, err := client.Models.CreateModels(ctx, &twinfrontv1.CreateModelsRequest{DtdlModels: []string{room}})
	if err != nil && !errors.Is(err, twinfront.AlreadyExists) {
		return err
	}
	properties, err := twinfront.ToValues(map[string]any{
		"temperature": 20.5, // a double
		"visits":      1,    // an integer
		"labels":      map[string]string{"door": "green"},
	})
	if err != nil {
		return err
	}
	twin := &twinfrontv1.DigitalTwin{ModelId: "dtmi:example:readme:Room;1", Properties: properties}
	for _, id := range []string{"go-hall", "go-study"} {
		_, err := client.DigitalTwins.CreateOrReplaceDigitalTwin(ctx,
			&twinfrontv1.CreateOrReplaceDigitalTwinRequest{DigitalTwinId: id, DigitalTwin: twin})
		if err != nil {
			return err
		}
	}
	_, err = client.Relationships.CreateOrReplaceRelationship(ctx, &twinfrontv1.CreateOrReplaceRelationshipRequest{
		DigitalTwinId: "go-hall", RelationshipId: "door",
		Relationship: &twinfrontv1.Relationship{Name: "leadsTo", TargetId: "go-study"},
	})
	return err
}

func changed(ctx context.Context, client *twinfront.Client) error {
	operations, err := twinfront.NewPatch().
		Replace("/temperature", 21.5).
		Add(twinfront.Pointer("labels", "a/b"), "names may have slashes").
		SourceTime("temperature", time.Now()).
		Operations()
	if err != nil {
		return err
	}
	_, err = client.DigitalTwins.UpdateDigitalTwin(ctx,
		&twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: "go-hall", Patch: operations})
	return err
}

func advice(err error) string {
	var mismatch *twinfront.EtagMismatchError
	var blocked *twinfront.TwinHasRelationshipsError
	var invalid *twinfront.InvalidArgumentError
	var retryable *twinfront.RetryableError
	var other *twinfront.Error
	switch {
	case err == nil:
		return "all is well"
	case errors.As(err, &mismatch):
		return "somebody was faster, the etag is now " + mismatch.CurrentEtag
	case errors.As(err, &blocked):
		return fmt.Sprint(blocked.IncomingTotal, " relationships point to it")
	case errors.As(err, &invalid):
		return fmt.Sprint("wrong fields: ", invalid.FieldViolations)
	case errors.As(err, &retryable):
		return fmt.Sprint("try again after ", retryable.RetryAfter)
	case errors.Is(err, twinfront.NotFound):
		return "there is no such thing"
	case errors.As(err, &other):
		return fmt.Sprintf("%s: %s; the server's log has it as %s", other.Kind, other.Message, other.CallID)
	}
	return err.Error() // not a call's error
}

func plainStub(ctx context.Context, connection *grpc.ClientConn, id string) error {
	stub := twinfrontv1.NewDigitalTwinServiceClient(connection)
	_, err := stub.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: id})
	return twinfront.FromError(err)
}

func list(ctx context.Context, client *twinfront.Client) error {
	request := &twinfrontv1.ListRelationshipsRequest{DigitalTwinId: "go-hall", PageSize: 100}
	for relationship, err := range twinfront.Items(ctx, client.Relationships.ListRelationships, request,
		(*twinfrontv1.ListRelationshipsResponse).GetRelationships) {
		if err != nil {
			return err
		}
		fmt.Println(relationship.GetId(), "leads to", relationship.GetTargetId())
	}
	return nil
}

func query(ctx context.Context, client *twinfront.Client) error {
	rows := twinfront.StreamQuery(ctx, client, &twinfrontv1.StreamQueryTwinsRequest{
		Query: "SELECT T.$dtId, T.temperature FROM digitaltwins T WHERE STARTSWITH(T.$dtId, 'go-')",
	})
	for row, err := range rows {
		if err != nil {
			return err
		}
		temperature, _ := twinfront.AsDouble(row.GetFields()["temperature"])
		fmt.Println(row.GetFields()["$dtId"].GetStringValue(), temperature)
	}
	return nil
}

func imports(ctx context.Context, client *twinfront.Client) error {
	var items []*twinfrontv1.GraphItem
	for _, id := range []string{"go-cellar", "go-attic"} {
		twin := &twinfrontv1.DigitalTwin{Id: id, ModelId: "dtmi:example:readme:Room;1"}
		items = append(items, &twinfrontv1.GraphItem{Item: &twinfrontv1.GraphItem_DigitalTwin{DigitalTwin: twin}})
	}
	for report, err := range twinfront.ImportGraph(ctx, client, nil, slices.Values(items)) {
		if err != nil {
			return err
		}
		for _, result := range report.GetResults() {
			if err := twinfront.FromStatus(result.GetStatus()); err != nil {
				fmt.Println(result.GetResource(), "-", err)
			}
		}
		fmt.Println(report.GetProgress().GetAcknowledgedCount(), "of", len(items))
	}
	return nil
}

func export(ctx context.Context, client *twinfront.Client) error {
	file, err := os.CreateTemp("", "graph-*.ndjson")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	request := &twinfrontv1.ExportGraphRequest{Format: twinfrontv1.ExportFormat_EXPORT_FORMAT_NDJSON}
	for message, err := range twinfront.ExportGraph(ctx, client, request) {
		if err != nil {
			return err
		}
		if _, err := file.Write(message.GetChunk()); err != nil {
			return err
		}
	}
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	fmt.Println("exported:", stat.Size() > 0)
	return nil
}

func count(ctx context.Context, client *twinfront.Client) error {
	etag, err := twinfront.UpdateWithRetry(ctx, client, "go-hall", 5,
		func(twin *twinfrontv1.DigitalTwin) (*twinfront.Patch, error) {
			visits, _ := twinfront.FromValue(twin.GetProperties()["visits"]).(int64)
			return twinfront.NewPatch().Add("/visits", visits+1), nil
		})
	if err != nil {
		return err
	}
	fmt.Println("counted:", etag != "")
	return nil
}

func batch(ctx context.Context, client *twinfront.Client) error {
	operations, err := twinfront.NewPatch().Replace("/temperature", 18.5).Operations()
	if err != nil {
		return err
	}
	change := &twinfrontv1.DigitalTwinWrite_Patch_{Patch: &twinfrontv1.DigitalTwinWrite_Patch{Operations: operations}}
	ids := []string{"go-study", "go-nowhere"}
	request := &twinfrontv1.BatchWriteDigitalTwinsRequest{}
	for _, id := range ids {
		request.Writes = append(request.Writes, &twinfrontv1.DigitalTwinWrite{DigitalTwinId: id, Write: change})
	}
	answer, err := client.DigitalTwins.BatchWriteDigitalTwins(ctx, request)
	if err != nil {
		return err
	}
	for i, result := range answer.GetResults() {
		if err := twinfront.FromStatus(result.GetStatus()); err != nil {
			fmt.Println(ids[i], "-", err)
		}
	}
	return nil
}

func watch(ctx context.Context, client *twinfront.Client) error {
	watching := &twinfrontv1.WatchRequest{Filter: &twinfrontv1.ChangeFilter{DigitalTwinIds: []string{"go-hall"}}}
	for item, err := range twinfront.Watch(ctx, client, watching) {
		if err != nil {
			return err
		}
		switch {
		case item.Checkpoint != nil: // from here on the watch sees everything
			if err := visit(ctx, client); err != nil {
				return err
			}
		case item.Reset != nil:
			fmt.Println("read everything again:", item.Reset.GetReason())
		case item.Change != nil:
			fmt.Println("changed:", item.Change.GetDigitalTwinId(), item.Change.GetPatch()[0].GetPath())
			return nil
		}
	}
	return nil
}

func visit(ctx context.Context, client *twinfront.Client) error {
	operations, err := twinfront.NewPatch().Add("/visits", 7).Operations()
	if err != nil {
		return err
	}
	_, err = client.DigitalTwins.UpdateDigitalTwin(
		ctx, &twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: "go-hall", Patch: operations})
	return err
}

func cached(ctx context.Context, client *twinfront.Client) error {
	cache, err := twinfront.NewTwinCache(client, twinfront.CacheOptions{
		DigitalTwinIDPrefixes: []string{"go-"},
		Relationships:         true,
		Changed: func(before, after twinfront.Resource) {
			fmt.Println("another:", after.DigitalTwin.GetId(), after.DigitalTwin.GetProperties()["visits"].GetIntValue())
		},
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() { _ = cache.Run(running) }()
	if err := cache.Synced(ctx); err != nil {
		return err
	}
	fmt.Println("cached:", cache.Get("go-hall").GetModelId(), len(cache.Relationships("go-hall")))
	return nil
}

func permissions(ctx context.Context, client *twinfront.Client) error {
	answer, err := client.Permissions.CheckPermissions(ctx, &twinfrontv1.CheckPermissionsRequest{
		Checks: []*twinfrontv1.PermissionCheck{
			{Method: "twinfront.v1.DigitalTwinService/UpdateDigitalTwin", DigitalTwinId: "go-hall"},
			{Method: "twinfront.v1.JobService/CreateDeleteJob"},
		},
	})
	if err != nil {
		return err
	}
	for _, decision := range answer.GetDecisions() {
		fmt.Println("permitted:", decision.GetPermitted())
	}
	return nil
}
