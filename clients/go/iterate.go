package twinfront

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// PageRequest is the request of a call that lists.
type PageRequest interface {
	proto.Message
	GetPageToken() string
}

// Page is the answer of a call that lists.
type Page interface{ GetNextPageToken() string }

// List is a call that lists: a method of a stub, such as client.Relationships.ListRelationships.
type List[Request PageRequest, Answer Page] func(context.Context, Request, ...grpc.CallOption) (Answer, error)

// Pages gives the answers to a request that lists, from its page_token on, each fetched when it is asked for. The
// request itself stays as it is. An error ends the iteration, and comes with a nil answer; page tokens that lead in a circle
// are such an error.
func Pages[Request PageRequest, Answer Page](
	ctx context.Context, list List[Request, Answer], request Request,
) iter.Seq2[Answer, error] {
	return func(yield func(Answer, error) bool) {
		next := proto.Clone(request).(Request)
		tokens := circle{remembered: request.GetPageToken(), bound: 1}
		for {
			answer, err := list(ctx, next)
			if !yield(answer, err) || err != nil || answer.GetNextPageToken() == "" {
				return
			}
			if tokens.closesAt(answer.GetNextPageToken()) {
				var none Answer
				yield(none, typedStatus(status.New(codes.Internal, "the server's page tokens lead in a circle"), nil, nil))
				return
			}
			setString(next, "page_token", answer.GetNextPageToken())
		}
	}
}

// Items gives the items of all pages, which are fetched as they are needed. An error ends the iteration.
//
//	request := &twinfrontv1.ListRelationshipsRequest{DigitalTwinId: "floor-0"}
//	for relationship, err := range twinfront.Items(ctx, client.Relationships.ListRelationships, request,
//		(*twinfrontv1.ListRelationshipsResponse).GetRelationships) { … }
func Items[Request PageRequest, Answer Page, Item any](
	ctx context.Context, list List[Request, Answer], request Request, items func(Answer) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		for answer, err := range Pages(ctx, list, request) {
			if err != nil {
				yield(none, err)
				return
			}
			for _, item := range items(answer) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

func setString(message proto.Message, field protoreflect.Name, value string) {
	reflected := message.ProtoReflect()
	reflected.Set(reflected.Descriptor().Fields().ByName(field), protoreflect.ValueOfString(value))
}
