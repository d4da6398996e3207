package twinfront_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	roomModel    = "dtmi:example:Room;1"
	meetingModel = "dtmi:example:MeetingRoom;1"
)

var (
	aTime = timestamppb.New(time.Date(2026, 6, 1, 7, 30, 0, 0, time.UTC))
	later = timestamppb.New(time.Date(2026, 6, 1, 7, 31, 0, 0, time.UTC))
)

// changes is a ChangeService whose streams are up to the test: one after the other, the last of them stays open. It keeps what
// it was asked.
type changes struct {
	twinfrontv1.UnimplementedChangeServiceServer
	twinfrontv1.UnimplementedModelServiceServer
	streams []stream
	log     *twinfrontv1.GetChangeLogResponse
	// models has what each model extends; nil if models may not be read.
	models map[string][]string

	mutex    sync.Mutex
	requests []*twinfrontv1.WatchRequest
	asked    [][]string
}

// stream is what is sent, and how it ends.
type stream struct {
	messages []*twinfrontv1.WatchResponse
	err      error
	isOpen   bool
}

func (s *changes) Watch(
	request *twinfrontv1.WatchRequest, sent grpc.ServerStreamingServer[twinfrontv1.WatchResponse],
) error {
	s.mutex.Lock()
	s.requests = append(s.requests, request)
	next := stream{isOpen: true}
	if len(s.streams) > 0 {
		next, s.streams = s.streams[0], s.streams[1:]
	}
	s.mutex.Unlock()
	for _, message := range next.messages {
		if err := sent.Send(message); err != nil {
			return err
		}
	}
	if next.isOpen {
		<-sent.Context().Done()
	}
	return next.err
}

func (s *changes) GetChangeLog(
	context.Context, *twinfrontv1.GetChangeLogRequest,
) (*twinfrontv1.GetChangeLogResponse, error) {
	return s.log, nil
}

func (s *changes) ListModels(
	_ context.Context, request *twinfrontv1.ListModelsRequest,
) (*twinfrontv1.ListModelsResponse, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.asked = append(s.asked, request.GetDependenciesFor())
	answer := &twinfrontv1.ListModelsResponse{}
	if s.models == nil {
		return nil, errHidden
	}
	for _, modelID := range request.GetDependenciesFor() {
		if _, isThere := s.models[modelID]; !isThere {
			return nil, errNoModel
		}
	}
	for modelID, bases := range s.models {
		dtdl := fmt.Sprintf(`{"@id": %q, "extends": [%q]}`, modelID, bases)
		if len(bases) == 1 {
			dtdl = fmt.Sprintf(`{"@id": %q, "extends": %q}`, modelID, bases[0])
		}
		answer.Models = append(answer.Models, &twinfrontv1.Model{Id: modelID, DtdlModel: dtdl})
	}
	return answer, nil
}

func (s *changes) tokens() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var tokens []string
	for _, request := range s.requests {
		tokens = append(tokens, request.GetResumeToken())
	}
	return tokens
}

// serveChanges serves streams of changes, and gives a client of them.
func serveChanges(t *testing.T, server *changes, options ...twinfront.Option) *twinfront.Client {
	t.Helper()
	return serveAll(t, func(registrar grpc.ServiceRegistrar) {
		twinfrontv1.RegisterChangeServiceServer(registrar, server)
		twinfrontv1.RegisterModelServiceServer(registrar, server)
	}, options...)
}

func aTwin(id string, version int) *twinfrontv1.DigitalTwin {
	n := &twinfrontv1.Value{Kind: &twinfrontv1.Value_IntValue{IntValue: int64(version)}}
	return &twinfrontv1.DigitalTwin{
		Id: id, Etag: fmt.Sprint(version), ModelId: roomModel, Properties: map[string]*twinfrontv1.Value{"n": n},
		LastUpdateTime: aTime,
	}
}

func aRelationship(source, id, target string) *twinfrontv1.Relationship {
	return &twinfrontv1.Relationship{Id: id, Etag: "1", SourceId: source, TargetId: target, Name: "leadsTo"}
}

func changeOf(id string, kind twinfrontv1.ChangeKind, twin *twinfrontv1.DigitalTwin) *twinfrontv1.Change {
	return &twinfrontv1.Change{
		Id: id, Kind: kind, Time: aTime, DigitalTwinId: twin.GetId(), Etag: twin.GetEtag(),
		Resource: &twinfrontv1.Change_DigitalTwin{DigitalTwin: twin},
	}
}

func updated(id string, twin *twinfrontv1.DigitalTwin) *twinfrontv1.Change {
	return changeOf(id, twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_UPDATED, twin)
}

func created(id string, twin *twinfrontv1.DigitalTwin) *twinfrontv1.Change {
	return changeOf(id, twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_CREATED, twin)
}

func deleted(id string, twin *twinfrontv1.DigitalTwin) *twinfrontv1.Change {
	return changeOf(id, twinfrontv1.ChangeKind_CHANGE_KIND_TWIN_DELETED, twin)
}

func changesAt(token string, each ...*twinfrontv1.Change) *twinfrontv1.WatchResponse {
	item := &twinfrontv1.WatchResponse_Changes{Changes: &twinfrontv1.Changes{Changes: each}}
	return &twinfrontv1.WatchResponse{ResumeToken: token, Item: item}
}

func itemsAt(token string, twins ...*twinfrontv1.DigitalTwin) *twinfrontv1.WatchResponse {
	item := &twinfrontv1.WatchResponse_InitialItems{InitialItems: &twinfrontv1.InitialItems{DigitalTwins: twins}}
	return &twinfrontv1.WatchResponse{ResumeToken: token, Item: item}
}

func stateEnd(token string) *twinfrontv1.WatchResponse {
	item := &twinfrontv1.WatchResponse_InitialStateEnd{InitialStateEnd: &twinfrontv1.InitialStateEnd{}}
	return &twinfrontv1.WatchResponse{ResumeToken: token, Item: item}
}

func checkpointAt(token string, time *timestamppb.Timestamp) *twinfrontv1.WatchResponse {
	item := &twinfrontv1.WatchResponse_Checkpoint{Checkpoint: &twinfrontv1.Checkpoint{Time: time}}
	return &twinfrontv1.WatchResponse{ResumeToken: token, Item: item}
}

func resetAt(token string) *twinfrontv1.WatchResponse {
	item := &twinfrontv1.WatchResponse_Reset_{Reset_: &twinfrontv1.Reset{Reason: twinfrontv1.Reset_REASON_BULK_JOB}}
	return &twinfrontv1.WatchResponse{ResumeToken: token, Item: item}
}
