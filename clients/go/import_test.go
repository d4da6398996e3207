package twinfront_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

type importStream = grpc.BidiStreamingServer[twinfrontv1.ImportGraphRequest, twinfrontv1.ImportGraphResponse]

// imports is a GraphService whose imports are up to the test.
type imports struct {
	twinfrontv1.UnimplementedGraphServiceServer
	run func(importStream) error
}

func (s *imports) ImportGraph(stream importStream) error { return s.run(stream) }

func importing(t *testing.T, run func(importStream) error, options ...twinfront.Option) *twinfront.Client {
	t.Helper()
	return serveAll(t, func(registrar grpc.ServiceRegistrar) {
		twinfrontv1.RegisterGraphServiceServer(registrar, &imports{run: run})
	}, options...)
}

// numbered gives so many twins, whose ids are their numbers.
func numbered(count int) iter.Seq[*twinfrontv1.GraphItem] {
	return func(yield func(*twinfrontv1.GraphItem) bool) {
		for number := range count {
			twin := &twinfrontv1.DigitalTwin{Id: fmt.Sprint(number)}
			if !yield(&twinfrontv1.GraphItem{Item: &twinfrontv1.GraphItem_DigitalTwin{DigitalTwin: twin}}) {
				return
			}
		}
	}
}

// acknowledging imports what comes, up to a number of items, and gives how far it came; all is read then.
func acknowledging(stream importStream, most int64) (count, from int64, err error) {
	for {
		request, err := stream.Recv()
		if err != nil {
			return count, from, nil
		}
		from = max(from, request.GetOptions().GetResumeFrom())
		if count += int64(len(request.GetItems())); count >= most {
			count = most
		}
		progress := &twinfrontv1.ImportProgress{AcknowledgedCount: count, DigitalTwinsImported: max(0, count-from)}
		if err := stream.Send(&twinfrontv1.ImportGraphResponse{Progress: progress}); err != nil {
			return count, from, err
		}
		if count == most {
			return count, from, nil
		}
	}
}

func TestAnImportGoesOnAfterWhatWasAcknowledged(t *testing.T) {
	var froms []int64
	client := importing(t, func(stream importStream) error {
		most := int64(150 * (len(froms) + 1))
		count, from, err := acknowledging(stream, most)
		froms = append(froms, from)
		if count == most {
			err = errors.Join(err, errLost)
		}
		return err
	})
	options := &twinfrontv1.ImportOptions{FailuresOnly: true}
	var last *twinfrontv1.ImportProgress
	for report, err := range twinfront.ImportGraph(t.Context(), client, options, numbered(400)) {
		if err != nil {
			t.Fatal(err)
		}
		last = report.GetProgress()
	}
	if last.GetAcknowledgedCount() != 400 || last.GetDigitalTwinsImported() != 400 || fmt.Sprint(froms) != "[0 150 300]" {
		t.Errorf("got %v from %v", last, froms)
	}
	if options.GetResumeFrom() != 0 {
		t.Error("the caller's options were changed")
	}
}

func TestAnImportIsGivenUpAtTheFifthBreakWithoutProgress(t *testing.T) {
	streams := 0
	client := importing(t, func(stream importStream) error {
		streams++
		_, _, err := acknowledging(stream, 100)
		return errors.Join(err, errLost)
	})
	var last error
	for _, err := range twinfront.ImportGraph(t.Context(), client, nil, numbered(1000)) {
		last = err
	}
	if !errors.Is(last, twinfront.Unavailable) || streams != 1+4 {
		t.Errorf("got %v from %d streams", last, streams)
	}
}

func TestAnImportThatIsRefusedIsNotGoneOnWith(t *testing.T) {
	streams := 0
	client := importing(t, func(importStream) error {
		streams++
		return status.Error(codes.InvalidArgument, "No.")
	})
	var last error
	for _, err := range twinfront.ImportGraph(t.Context(), client, nil, numbered(100_000)) {
		last = err
	}
	if !errors.Is(last, twinfront.InvalidArgument) || streams != 1 {
		t.Errorf("got %v from %d streams", last, streams)
	}
}

func TestAnImportOfNothingEnds(t *testing.T) {
	client := importing(t, func(stream importStream) error {
		_, _, err := acknowledging(stream, 100)
		return err
	})
	for _, err := range twinfront.ImportGraph(t.Context(), client, nil, numbered(0)) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeavingTheLoopEndsTheImport(t *testing.T) {
	gone := make(chan struct{})
	client := importing(t, func(stream importStream) error {
		defer close(gone)
		for {
			if _, err := stream.Recv(); err != nil {
				return err
			}
			if err := stream.Send(&twinfrontv1.ImportGraphResponse{}); err != nil {
				return err
			}
		}
	})
	for _, err := range twinfront.ImportGraph(t.Context(), client, nil, func(yield func(*twinfrontv1.GraphItem) bool) {
		for yield(&twinfrontv1.GraphItem{}) {
		}
	}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	within(t, gone)
}

func TestWithoutRetryAnImportThatBreaksIsNotGoneOnWith(t *testing.T) {
	streams := 0
	client := importing(t, func(importStream) error {
		streams++
		return errLost
	}, twinfront.WithoutRetry())
	var last error
	for _, err := range twinfront.ImportGraph(t.Context(), client, nil, numbered(1)) {
		last = err
	}
	if !errors.Is(last, twinfront.Unavailable) || streams != 1 {
		t.Errorf("got %v from %d streams", last, streams)
	}
}
