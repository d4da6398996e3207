package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

func (s *scene) values(ctx context.Context, step *step) (object, error) {
	native, err := untagged(step.Values)
	if err != nil {
		return nil, err
	}
	properties, err := twinfront.ToValues(native.(object))
	if err != nil {
		return nil, err
	}
	_, err = s.client.DigitalTwins.CreateOrReplaceDigitalTwin(ctx, &twinfrontv1.CreateOrReplaceDigitalTwinRequest{
		DigitalTwinId: step.DigitalTwinID,
		DigitalTwin:   &twinfrontv1.DigitalTwin{ModelId: step.ModelID, Properties: properties},
	})
	if err != nil {
		return nil, err
	}
	twin, err := s.read(ctx, step.DigitalTwinID)
	if err != nil {
		return nil, err
	}
	return object{"response": tagged(twinfront.FromValues(twin.GetProperties()))}, nil
}

func (s *scene) patch(ctx context.Context, step *step) (object, error) {
	patch := twinfront.NewPatch()
	for _, words := range step.Operations {
		path, ok := words[1].(string)
		if names, segments := words[1].([]any); segments {
			plain := make([]string, len(names))
			for i, name := range names {
				plain[i] = fmt.Sprint(name)
			}
			path, ok = twinfront.Pointer(plain...), true
		}
		if !ok {
			return nil, fmt.Errorf("%v is no path", words[1])
		}
		var value any
		if words[0] == "add" || words[0] == "replace" {
			var err error
			if value, err = untagged(words[2]); err != nil {
				return nil, err
			}
		}
		switch words[0] {
		case "add":
			patch.Add(path, value)
		case "replace":
			patch.Replace(path, value)
		case "remove":
			patch.Remove(path)
		case "migrate":
			patch.Migrate(path)
		case "sourceTime":
			when, err := time.Parse(time.RFC3339, words[2].(string))
			if err != nil {
				return nil, err
			}
			patch.SourceTime(path, when)
		default:
			return nil, fmt.Errorf("there is no operation %v", words[0])
		}
	}
	operations, err := patch.Operations()
	if err != nil {
		return nil, err
	}
	answer, err := s.client.DigitalTwins.UpdateDigitalTwin(
		ctx, &twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: step.DigitalTwinID, Patch: operations})
	if err != nil {
		return nil, err
	}
	return object{"response": plain(answer)}, nil
}

func (s *scene) updateWithRetry(ctx context.Context, step *step) (object, error) {
	invocations := 0
	path := twinfront.Pointer(step.Property)
	_, err := twinfront.UpdateWithRetry(ctx, s.client, step.DigitalTwinID, step.Attempts,
		func(twin *twinfrontv1.DigitalTwin) (*twinfront.Patch, error) {
			invocations++
			count := twin.GetProperties()[step.Property].GetIntValue()
			if invocations <= step.Interfere {
				other, err := twinfront.NewPatch().Replace(path, count+10).Operations()
				if err != nil {
					return nil, err
				}
				_, err = s.client.DigitalTwins.UpdateDigitalTwin(
					ctx, &twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: step.DigitalTwinID, Patch: other})
				if err != nil {
					return nil, err
				}
			}
			return twinfront.NewPatch().Replace(path, count+1), nil
		})
	if err != nil {
		return nil, err
	}
	twin, err := s.read(ctx, step.DigitalTwinID)
	if err != nil {
		return nil, err
	}
	value := twin.GetProperties()[step.Property].GetIntValue()
	return object{"response": object{"invocations": invocations, "value": value}}, nil
}

func (s *scene) listAll(ctx context.Context, step *step) (object, error) {
	c := s.client
	switch step.Call {
	case "RelationshipService/ListRelationships":
		return listed(ctx, step, c.Relationships.ListRelationships, &twinfrontv1.ListRelationshipsRequest{},
			(*twinfrontv1.ListRelationshipsResponse).GetRelationships)
	case "RelationshipService/ListIncomingRelationships":
		return listed(ctx, step, c.Relationships.ListIncomingRelationships,
			&twinfrontv1.ListIncomingRelationshipsRequest{},
			(*twinfrontv1.ListIncomingRelationshipsResponse).GetIncomingRelationships)
	case "ModelService/ListModels":
		return listed(ctx, step, c.Models.ListModels, &twinfrontv1.ListModelsRequest{},
			(*twinfrontv1.ListModelsResponse).GetModels)
	case "EventRouteService/ListEventRoutes":
		return listed(ctx, step, c.EventRoutes.ListEventRoutes, &twinfrontv1.ListEventRoutesRequest{},
			(*twinfrontv1.ListEventRoutesResponse).GetEventRoutes)
	case "JobService/ListImportJobs":
		return listed(ctx, step, c.Jobs.ListImportJobs, &twinfrontv1.ListImportJobsRequest{},
			(*twinfrontv1.ListImportJobsResponse).GetImportJobs)
	case "JobService/ListDeleteJobs":
		return listed(ctx, step, c.Jobs.ListDeleteJobs, &twinfrontv1.ListDeleteJobsRequest{},
			(*twinfrontv1.ListDeleteJobsResponse).GetDeleteJobs)
	case "QueryService/QueryTwins":
		return listed(ctx, step, c.Queries.QueryTwins, &twinfrontv1.QueryTwinsRequest{},
			(*twinfrontv1.QueryTwinsResponse).GetRows)
	}
	return nil, fmt.Errorf("%s does not list", step.Call)
}

func listed[Request twinfront.PageRequest, Answer twinfront.Page, Item proto.Message](
	ctx context.Context, step *step, list twinfront.List[Request, Answer], request Request, items func(Answer) []Item,
) (object, error) {
	if err := protojson.Unmarshal(step.Request, request); err != nil {
		return nil, err
	}
	ids := []string{}
	for item, err := range twinfront.Items(ctx, list, request, items) {
		if err != nil {
			return nil, err
		}
		id, _ := at(plain(item), step.ID)
		ids = append(ids, id)
	}
	return object{"response": object{"ids": ids}}, nil
}

func (s *scene) batchWrite(ctx context.Context, step *step) (object, error) {
	request := &twinfrontv1.BatchWriteDigitalTwinsRequest{}
	if err := protojson.Unmarshal(step.Request, request); err != nil {
		return nil, err
	}
	answer, err := s.client.DigitalTwins.BatchWriteDigitalTwins(ctx, request)
	if err != nil {
		return nil, err
	}
	failures := []any{}
	for _, result := range answer.GetResults() {
		var own *twinfront.Error
		if err := twinfront.FromStatus(result.GetStatus()); errors.As(err, &own) {
			failures = append(failures, object{"code": codeName(own), "error": described(err)})
		} else {
			failures = append(failures, nil)
		}
	}
	return object{"response": object{"errors": failures}}, nil
}

func (s *scene) streamQuery(ctx context.Context, step *step) (object, error) {
	rows := []any{}
	request := &twinfrontv1.StreamQueryTwinsRequest{Query: step.Query}
	for row, err := range twinfront.StreamQuery(ctx, s.client, request) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, tagged(twinfront.FromValues(row.GetFields())))
	}
	return object{"response": object{"rows": rows}}, nil
}

func (s *scene) importGraph(ctx context.Context, step *step) (object, error) {
	request := &twinfrontv1.ImportGraphRequest{}
	if err := protojson.Unmarshal(step.Request, request); err != nil {
		return nil, err
	}
	done := object{}
	reports := twinfront.ImportGraph(ctx, s.client, request.GetOptions(), slices.Values(request.GetItems()))
	for report, err := range reports {
		if err != nil {
			return nil, err
		}
		progress := report.GetProgress()
		done = object{"acknowledged": progress.GetAcknowledgedCount(), "digitalTwins": progress.GetDigitalTwinsImported()}
	}
	return object{"response": done}, nil
}

func (s *scene) dial(step *step) (object, error) {
	var options struct {
		Address  string `json:"address"`
		Token    string `json:"token"`
		Insecure bool   `json:"insecure"`
		TLS      bool   `json:"tls"`
	}
	if err := json.Unmarshal(step.Options, &options); err != nil {
		return nil, err
	}
	var chosen []twinfront.Option
	if options.Token != "" {
		chosen = append(chosen, twinfront.WithToken(func(context.Context) (string, error) { return options.Token, nil }))
	}
	if options.Insecure {
		chosen = append(chosen, twinfront.WithInsecure())
	}
	if options.TLS {
		chosen = append(chosen, twinfront.WithTLS(twinfront.TLS{}))
	}
	client, err := twinfront.Dial(options.Address, chosen...)
	if err != nil {
		return object{"code": "REFUSED"}, nil
	}
	return nil, client.Close()
}

func (s *scene) read(ctx context.Context, digitalTwinID string) (*twinfrontv1.DigitalTwin, error) {
	answer, err := s.client.DigitalTwins.GetDigitalTwin(
		ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: digitalTwinID})
	return answer.GetDigitalTwin(), err
}
