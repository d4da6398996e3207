package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// aWhile is how long a cache may take to come to what is expected of it.
const aWhile = 20 * time.Second

func (s *scene) watch(ctx context.Context, step *step) (object, error) {
	request := &twinfrontv1.WatchRequest{}
	if err := protojson.Unmarshal(step.Request, request); err != nil {
		return nil, err
	}
	items, token := []any{}, request.GetResumeToken()
	for item, err := range twinfront.Watch(ctx, s.client, request) {
		if err != nil {
			return nil, err
		}
		token = item.ResumeToken
		if item.Checkpoint == nil {
			items = append(items, watched(item))
		}
		if len(items) >= step.Take {
			break
		}
	}
	return object{"response": object{"items": items, "resumeToken": token}}, nil
}

func watched(item twinfront.WatchItem) object {
	told := object{}
	switch {
	case item.Change != nil:
		change := item.Change
		told = object{
			"item": "change", "kind": change.GetKind().String(), "digitalTwinId": change.GetDigitalTwinId(),
			"relationshipId": change.GetRelationshipId(), "modelId": change.GetModelId(),
		}
		if operations := change.GetPatch(); len(operations) > 0 {
			patch := make([]any, len(operations))
			for i, each := range operations {
				op := strings.ToLower(strings.TrimPrefix(each.GetOp().String(), "OP_"))
				patch[i] = []any{op, each.GetPath(), tagged(twinfront.FromValue(each.GetValue()))}
			}
			told["patch"] = patch
		}
		addResource(told, change.GetDigitalTwin(), change.GetRelationship())
	case item.InitialDigitalTwin != nil, item.InitialRelationship != nil:
		told["item"] = "initialItem"
		addResource(told, item.InitialDigitalTwin, item.InitialRelationship)
	case item.InitialStateEnd != nil:
		told["item"] = "initialStateEnd"
	case item.Reset != nil:
		told = object{"item": "reset", "reason": item.Reset.GetReason().String(), "jobId": item.Reset.GetJobId()}
	}
	for name, value := range told {
		if value == "" {
			delete(told, name)
		}
	}
	return told
}

func addResource(told object, twin *twinfrontv1.DigitalTwin, relationship *twinfrontv1.Relationship) {
	if twin != nil {
		told["digitalTwin"] = object{
			"id": twin.GetId(), "properties": tagged(twinfront.FromValues(twin.GetProperties())),
		}
	}
	if relationship != nil {
		told["relationship"] = object{"id": relationship.GetId(), "targetId": relationship.GetTargetId()}
	}
}

// cacheArguments are those of a cache, as a step has them.
type cacheArguments struct {
	DigitalTwinIDs        []string `json:"digitalTwinIds"`
	DigitalTwinIDPrefixes []string `json:"digitalTwinIdPrefixes"`
	ModelIDs              []string `json:"modelIds"`
	Relationships         bool     `json:"relationships"`
	Indexed               []string `json:"indexed"`
	Saved                 string   `json:"saved"`
}

func (s *scene) cache(ctx context.Context, step *step) (object, error) {
	var arguments cacheArguments
	if err := json.Unmarshal(step.Cache, &arguments); err != nil {
		return nil, err
	}
	lines := &told{lines: []string{}, count: step.Told, all: make(chan struct{})}
	options := twinfront.CacheOptions{
		DigitalTwinIDs:        arguments.DigitalTwinIDs,
		DigitalTwinIDPrefixes: arguments.DigitalTwinIDPrefixes,
		ModelIDs:              arguments.ModelIDs,
		Relationships:         arguments.Relationships,
		Indexed:               arguments.Indexed,
		Added:                 func(after twinfront.Resource) { lines.add("+" + name(after)) },
		Removed:               func(before twinfront.Resource) { lines.add("-" + name(before)) },
		Changed: func(before, after twinfront.Resource) {
			lines.add(fmt.Sprintf("%s %v>%v", name(after), count(before), count(after)))
		},
	}
	if arguments.Saved != "" {
		saved, err := base64.StdEncoding.DecodeString(arguments.Saved)
		if err != nil {
			return nil, err
		}
		options.Saved = saved
	}
	cache, err := twinfront.NewTwinCache(s.client, options)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, aWhile)
	var running sync.WaitGroup
	running.Go(func() { _ = cache.Run(ctx) })
	err = cache.Synced(ctx)
	if err == nil {
		err = lines.wait(ctx)
	}
	cancel()
	running.Wait()
	if err != nil {
		return nil, err
	}
	return shown(cache, lines, step)
}

func shown(cache *twinfront.TwinCache, lines *told, step *step) (object, error) {
	saved, err := cache.Save()
	if err != nil {
		return nil, err
	}
	twins, err := cache.List("", "")
	if err != nil {
		return nil, err
	}
	relationships := []string{}
	for _, twin := range twins {
		for _, relationship := range cache.Relationships(twin.GetId()) {
			relationships = append(relationships, relationship.GetId())
		}
	}
	response := object{
		"told": lines.lines, "ids": idsOf(twins), "relationships": relationships,
		"saved": base64.StdEncoding.EncodeToString(saved),
	}
	if step.Model != "" {
		if twins, err = cache.List(step.Model, ""); err != nil {
			return nil, err
		}
		response["ofModel"] = idsOf(twins)
	}
	if step.Find != nil {
		if twins, err = cache.Find(step.Find[0].(string), step.Find[1]); err != nil {
			return nil, err
		}
		response["found"] = idsOf(twins)
	}
	return object{"response": response}, nil
}

func idsOf(twins []*twinfrontv1.DigitalTwin) []string {
	ids := make([]string, len(twins))
	for i, twin := range twins {
		ids[i] = twin.GetId()
	}
	return ids
}

// name gives the id of a twin, and of a relationship both.
func name(resource twinfront.Resource) string {
	if resource.DigitalTwin != nil {
		return resource.DigitalTwin.GetId()
	}
	return resource.Relationship.GetSourceId() + "/" + resource.Relationship.GetId()
}

func count(resource twinfront.Resource) any {
	return twinfront.FromValue(resource.DigitalTwin.GetProperties()["n"])
}

// told keeps what a cache tells its callbacks, and tells when it is so much.
type told struct {
	lines []string
	count int
	all   chan struct{}
}

func (t *told) add(line string) {
	if t.lines = append(t.lines, line); len(t.lines) == t.count {
		close(t.all)
	}
}

func (t *told) wait(ctx context.Context) error {
	if t.count == 0 {
		return nil
	}
	select {
	case <-t.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
