package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/twinfront/twinfront/clients/go"
)

// A step is a call, or one of the things that the client does beside calls.
type step struct {
	Call          string            `json:"call"`
	Do            string            `json:"do"`
	Request       json.RawMessage   `json:"request"`
	Requests      []json.RawMessage `json:"requests"`
	Metadata      map[string]string `json:"metadata"`
	TimeoutMs     int               `json:"timeoutMs"`
	CancelAfterMs int               `json:"cancelAfterMs"`
	Take          int               `json:"take"`
	Trailers      []string          `json:"trailers"`
	Save          map[string]string `json:"save"`

	DigitalTwinID string          `json:"digitalTwinId"`
	ModelID       string          `json:"modelId"`
	Values        map[string]any  `json:"values"`
	Operations    [][]any         `json:"operations"`
	Property      string          `json:"property"`
	Interfere     int             `json:"interfere"`
	Attempts      int             `json:"attempts"`
	ID            string          `json:"id"`
	Query         string          `json:"query"`
	Options       json.RawMessage `json:"options"`
	Cache         json.RawMessage `json:"cache"`
	Told          int             `json:"told"`
	Model         string          `json:"model"`
	Find          []any           `json:"find"`
}

type object = map[string]any

type scene struct {
	client *twinfront.Client
	saved  map[string]string
}

var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// line executes a step and gives what is printed about it.
func (s *scene) line(ctx context.Context, raw json.RawMessage) object {
	var missing error
	text := variable.ReplaceAllFunc(raw, func(found []byte) []byte {
		value, ok := s.saved[string(variable.FindSubmatch(found)[1])]
		if !ok {
			missing = fmt.Errorf("nothing was saved as %s", found)
		}
		quoted, _ := json.Marshal(value)
		return quoted[1 : len(quoted)-1]
	})
	parsed := step{Request: json.RawMessage("{}")}
	if err := errors.Join(missing, json.Unmarshal(text, &parsed)); err != nil {
		return failed(err)
	}
	result, err := s.execute(ctx, &parsed)
	line := object{"code": "OK"}
	for name, value := range result {
		line[name] = value
	}
	if err != nil {
		var own *twinfront.Error
		if !errors.As(err, &own) {
			return failed(err)
		}
		line["code"], line["error"] = codeName(own), described(err)
	}
	for name, path := range parsed.Save {
		value, ok := at(line, path)
		if !ok {
			return failed(fmt.Errorf("there is no %s in %v", path, line))
		}
		s.saved[name] = value
	}
	return line
}

func (s *scene) execute(ctx context.Context, step *step) (object, error) {
	if step.TimeoutMs > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(step.TimeoutMs)*time.Millisecond)
		defer cancel()
	}
	if step.CancelAfterMs > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		timer := time.AfterFunc(time.Duration(step.CancelAfterMs)*time.Millisecond, cancel)
		defer timer.Stop()
		defer cancel()
	}
	for name, value := range step.Metadata {
		ctx = metadata.AppendToOutgoingContext(ctx, name, value)
	}
	switch step.Do {
	case "":
		return s.call(ctx, step)
	case "values":
		return s.values(ctx, step)
	case "patch":
		return s.patch(ctx, step)
	case "updateWithRetry":
		return s.updateWithRetry(ctx, step)
	case "listAll":
		return s.listAll(ctx, step)
	case "batchWrite":
		return s.batchWrite(ctx, step)
	case "streamQuery":
		return s.streamQuery(ctx, step)
	case "importGraph":
		return s.importGraph(ctx, step)
	case "watch":
		return s.watch(ctx, step)
	case "cache":
		return s.cache(ctx, step)
	case "dial":
		return s.dial(step)
	}
	return nil, fmt.Errorf("there is no step %q", step.Do)
}

func (s *scene) call(ctx context.Context, step *step) (object, error) {
	service, name, _ := strings.Cut(step.Call, "/")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("twinfront.v1." + service))
	if err != nil {
		return nil, err
	}
	method := found.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(name))
	if method == nil {
		return nil, fmt.Errorf("there is no %s", step.Call)
	}
	texts := step.Requests
	if texts == nil {
		texts = []json.RawMessage{step.Request}
	}
	requests := make([]proto.Message, len(texts))
	for i, text := range texts {
		requests[i] = newMessage(method.Input())
		if err := protojson.Unmarshal(text, requests[i]); err != nil {
			return nil, err
		}
	}
	result, trailers := object{}, metadata.MD{}
	path := fmt.Sprintf("/twinfront.v1.%s/%s", service, name)
	if !method.IsStreamingClient() && !method.IsStreamingServer() {
		answer := newMessage(method.Output())
		err = s.client.Connection().Invoke(ctx, path, requests[0], answer, grpc.Trailer(&trailers))
		if err == nil {
			result["response"] = plain(answer)
		}
	} else {
		result["responses"], err = s.stream(ctx, path, method, requests, step.Take, &trailers)
	}
	if step.Trailers != nil {
		came := object{}
		for _, name := range step.Trailers {
			came[name] = len(trailers.Get(name)) > 0
		}
		result["trailers"] = came
	}
	return result, err
}

func (s *scene) stream(
	ctx context.Context, path string, method protoreflect.MethodDescriptor, requests []proto.Message, take int,
	trailers *metadata.MD,
) ([]any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := []any{}
	desc := &grpc.StreamDesc{ClientStreams: method.IsStreamingClient(), ServerStreams: true}
	stream, err := s.client.Connection().NewStream(ctx, desc, path)
	if err != nil {
		return answers, err
	}
	for _, request := range requests {
		if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
			return answers, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return answers, err
	}
	for {
		answer := newMessage(method.Output())
		if err := stream.RecvMsg(answer); err != nil {
			*trailers = stream.Trailer()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return answers, err
		}
		answers = append(answers, plain(answer))
		if take > 0 && len(answers) == take {
			return answers, nil
		}
	}
}

func newMessage(descriptor protoreflect.MessageDescriptor) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		panic(err)
	}
	return kind.New().Interface()
}

// plain gives a message in its JSON form.
func plain(message proto.Message) any {
	text, err := protojson.Marshal(message)
	if err != nil {
		panic(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		panic(err)
	}
	return value
}

func failed(err error) object { return object{"code": "RUNNER_ERROR", "message": err.Error()} }

func at(value any, path string) (string, bool) {
	if member, ok := value.(object)["response"]; ok && !strings.HasPrefix(path, "error.") {
		value = member
	}
	for _, name := range strings.Split(path, ".") {
		switch container := value.(type) {
		case object:
			value = container[name]
		case []any:
			index, err := strconv.Atoi(name)
			if err != nil || index >= len(container) {
				return "", false
			}
			value = container[index]
		default:
			return "", false
		}
	}
	text, ok := value.(string)
	return text, ok
}
