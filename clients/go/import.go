package twinfront

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// A message of an import has as many items as suit the server.
const (
	itemsPerMessage = 100
	bytesPerMessage = 256 << 10
)

// ImportGraph writes models, twins and relationships as they come, in an order in which each finds what it needs before
// it. It gives the server's reports: the results of items that ended, and the progress. Nil options are the usual ones.
// This is not atomic.
//
// Where the stream breaks, which is an error of the kind [Unavailable], the import goes on after the items that were
// acknowledged; it gives up as [StreamQuery] does. For that the items are ranged over again, from the first one, and have to
// be the same again. Items that were written and not yet acknowledged are written once more, which ends in the same
// state, and are reported and counted once more.
//
// The items are ranged over while the loop body runs. Breaking out of the loop ends the import; what was sent may have been
// written. An item that failed is no error of the import: [FromStatus] makes one of the status in its result.
func ImportGraph(
	ctx context.Context, client *Client, options *twinfrontv1.ImportOptions, items iter.Seq[*twinfrontv1.GraphItem],
) iter.Seq2[*twinfrontv1.ImportGraphResponse, error] {
	return func(yield func(*twinfrontv1.ImportGraphResponse, error) bool) {
		attempts := client.calls.attemptsAtStream()
		next := &twinfrontv1.ImportOptions{}
		proto.Merge(next, options)
		before := &twinfrontv1.ImportProgress{} // of the streams that broke
		// once imports until the stream breaks, ends, or nobody wants more; only a break is an error.
		once := func() outcome {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			ctx, attempt := watched(ctx)
			stream, err := client.Graphs.ImportGraph(ctx)
			if err != nil {
				return client.calls.outcomeOf(err, attempt, nil)
			}
			sent := make(chan struct{})
			defer func() {
				cancel() // or it would go on to wait for a server that reads no more
				<-sent
			}()
			go func() {
				defer close(sent)
				send(stream, proto.CloneOf(next), items)
			}()
			reached := before
			for {
				report, err := stream.Recv()
				if errors.Is(err, io.EOF) {
					return outcome{}
				}
				if err != nil {
					before = reached
					return client.calls.outcomeOf(err, attempt, stream.Trailer())
				}
				if acknowledged := report.GetProgress().GetAcknowledgedCount(); acknowledged > next.GetResumeFrom() {
					next.ResumeFrom = acknowledged
					attempts.getOn()
				}
				reached = sum(before, report.GetProgress())
				report.Progress = reached
				if !yield(report, nil) {
					return outcome{}
				}
			}
		}
		if err := attempts.run(ctx, once); err != nil {
			yield(nil, err)
		}
	}
}

// send sends items until there are no more, or the stream has ended, whose status is for whoever receives.
func send(
	stream grpc.BidiStreamingClient[twinfrontv1.ImportGraphRequest, twinfrontv1.ImportGraphResponse],
	options *twinfrontv1.ImportOptions, items iter.Seq[*twinfrontv1.GraphItem],
) {
	message, size := &twinfrontv1.ImportGraphRequest{Options: options}, 0
	for item := range items {
		message.Items = append(message.Items, item)
		size += proto.Size(item)
		if len(message.Items) >= itemsPerMessage || size >= bytesPerMessage {
			if stream.Send(message) != nil {
				return
			}
			message, size = &twinfrontv1.ImportGraphRequest{}, 0
		}
	}
	if stream.Send(message) == nil {
		_ = stream.CloseSend()
	}
}

// sum gives the progress of a stream together with what was imported before it. What is acknowledged is counted from the first
// item anyway.
func sum(before, progress *twinfrontv1.ImportProgress) *twinfrontv1.ImportProgress {
	return &twinfrontv1.ImportProgress{
		AcknowledgedCount:     progress.GetAcknowledgedCount(),
		ModelsImported:        before.GetModelsImported() + progress.GetModelsImported(),
		DigitalTwinsImported:  before.GetDigitalTwinsImported() + progress.GetDigitalTwinsImported(),
		RelationshipsImported: before.GetRelationshipsImported() + progress.GetRelationshipsImported(),
		Failed:                before.GetFailed() + progress.GetFailed(),
	}
}
