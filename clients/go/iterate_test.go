package twinfront_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

type rowStream = grpc.ServerStreamingServer[twinfrontv1.StreamQueryTwinsResponse]

var errBroken = status.Error(codes.Unavailable, "The server is about to stop.")

func rows(numbers ...int64) []*twinfrontv1.QueryRow {
	var made []*twinfrontv1.QueryRow
	for _, number := range numbers {
		value := &twinfrontv1.Value{Kind: &twinfrontv1.Value_IntValue{IntValue: number}}
		made = append(made, &twinfrontv1.QueryRow{Fields: map[string]*twinfrontv1.Value{"n": value}})
	}
	return made
}

// collected reads all rows, and gives their numbers with the error that came last.
func collected(ctx context.Context, client *twinfront.Client) ([]int64, error) {
	var numbers []int64
	for row, err := range twinfront.StreamQuery(ctx, client, &twinfrontv1.StreamQueryTwinsRequest{Query: "SELECT"}) {
		if err != nil {
			return numbers, err
		}
		numbers = append(numbers, row.GetFields()["n"].GetIntValue())
	}
	return numbers, nil
}

// With gRPC's own retries off, each break is one that StreamQuery sees.
var eachBreakCounts = twinfront.WithDialOptions(grpc.WithDisableRetry())

func TestAStreamGoesOnWhereItBroke(t *testing.T) {
	var tokens []string
	client := serve(t, nil, &queries{stream: func(request *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		tokens = append(tokens, request.GetResumeToken())
		switch len(tokens) {
		case 1:
			message := &twinfrontv1.StreamQueryTwinsResponse{Rows: rows(1, 2), ResumeToken: "after 2"}
			return errors.Join(stream.Send(message), errBroken)
		case 2, 3:
			return errBroken
		}
		return stream.Send(&twinfrontv1.StreamQueryTwinsResponse{Rows: rows(3)})
	}}, eachBreakCounts)
	got, err := collected(t.Context(), client)
	if err != nil || fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("got %v, %v", got, err)
	}
	if got := fmt.Sprintf("%q", tokens); got != `["" "after 2" "after 2" "after 2"]` {
		t.Errorf("went on after %s", got)
	}
}

func TestAStreamThatBreaksAfterTheLastMessageIsComplete(t *testing.T) {
	streams := 0
	client := serve(t, nil, &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		streams++
		return errors.Join(stream.Send(&twinfrontv1.StreamQueryTwinsResponse{Rows: rows(1)}), errBroken)
	}}, eachBreakCounts)
	if got, err := collected(t.Context(), client); err != nil || fmt.Sprint(got) != "[1]" || streams != 1 {
		t.Errorf("got %v, %v from %d streams", got, err, streams)
	}
}

func TestAStreamIsWholeAfterTheLastMessageWhateverItEndsWith(t *testing.T) {
	streams := 0
	client := serve(t, nil, &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		streams++
		return errors.Join(
			stream.Send(&twinfrontv1.StreamQueryTwinsResponse{Rows: rows(1), ResumeToken: "1"}),
			stream.Send(&twinfrontv1.StreamQueryTwinsResponse{Rows: rows(2)}),
			status.Error(codes.Internal, "No."))
	}}, eachBreakCounts)
	if got, err := collected(t.Context(), client); err != nil || fmt.Sprint(got) != "[1 2]" || streams != 1 {
		t.Errorf("got %v, %v from %d streams", got, err, streams)
	}
}

func TestAStreamIsGivenUpAtTheFifthBreakWithoutARowInBetween(t *testing.T) {
	streams := 0
	client := serve(t, nil, &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		if streams++; streams == 4 {
			message := &twinfrontv1.StreamQueryTwinsResponse{Rows: rows(1), ResumeToken: "a"}
			return errors.Join(stream.Send(message), errBroken)
		}
		return errBroken
	}}, eachBreakCounts)
	_, err := collected(t.Context(), client)
	var failure *twinfront.Error
	if !errors.As(err, &failure) || failure.Code != codes.Unavailable || streams != 4+4 || failure.Attempts != streams {
		t.Errorf("got %+v from %d streams", failure, streams)
	}
}

func TestAStreamThatLeadsNowhereIsGivenUp(t *testing.T) {
	for name, message := range map[string]*twinfrontv1.StreamQueryTwinsResponse{
		"messages without rows":         {ResumeToken: "a"},
		"the same rows again and again": {ResumeToken: "a", Rows: rows(1)},
	} {
		streams := 0
		client := serve(t, nil, &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
			streams++
			return errors.Join(stream.Send(message), errBroken)
		}}, eachBreakCounts)
		if _, err := collected(t.Context(), client); !errors.Is(err, twinfront.Unavailable) || streams != 5 {
			t.Errorf("%s: got %v from %d streams", name, err, streams)
		}
	}
}

func TestAStreamThatFailsOtherwiseIsNotGoneOnWith(t *testing.T) {
	streams := 0
	client := serve(t, nil, &queries{stream: func(*twinfrontv1.StreamQueryTwinsRequest, rowStream) error {
		streams++
		return status.Error(codes.InvalidArgument, "No.")
	}}, eachBreakCounts)
	if _, err := collected(t.Context(), client); !errors.Is(err, twinfront.InvalidArgument) || streams != 1 {
		t.Errorf("got %v from %d streams", err, streams)
	}
}

// endless serves rows until its caller is gone, and then closes the channel.
func endless(gone chan<- struct{}) *queries {
	return &queries{stream: func(_ *twinfrontv1.StreamQueryTwinsRequest, stream rowStream) error {
		defer close(gone)
		for {
			if err := stream.Send(&twinfrontv1.StreamQueryTwinsResponse{Rows: rows(1), ResumeToken: "a"}); err != nil {
				return err
			}
		}
	}}
}

func within(t *testing.T, gone <-chan struct{}) {
	t.Helper()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the server still streams")
	}
}

func TestLeavingTheLoopEndsTheStream(t *testing.T) {
	gone := make(chan struct{})
	client := serve(t, nil, endless(gone))
	for _, err := range twinfront.StreamQuery(t.Context(), client, &twinfrontv1.StreamQueryTwinsRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	within(t, gone)
}

func TestCancellingTheContextEndsTheStream(t *testing.T) {
	gone := make(chan struct{})
	client := serve(t, nil, endless(gone))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range twinfront.StreamQuery(ctx, client, &twinfrontv1.StreamQueryTwinsRequest{}) {
		cancel()
		last = err
	}
	if !errors.Is(last, twinfront.CallCancelled) {
		t.Errorf("got %v", last)
	}
	within(t, gone)
}

// pagesOf serves pages of one row each, whose tokens are their numbers.
func pagesOf(total int64, asked *[]string) *queries {
	return &queries{page: func(
		_ context.Context, request *twinfrontv1.QueryTwinsRequest,
	) (*twinfrontv1.QueryTwinsResponse, error) {
		*asked = append(*asked, request.GetPageToken())
		var number int64
		_, _ = fmt.Sscan(request.GetPageToken(), &number)
		answer := &twinfrontv1.QueryTwinsResponse{Rows: rows(number)}
		if number+1 < total {
			answer.NextPageToken = fmt.Sprint(number + 1)
		}
		return answer, nil
	}}
}

func TestItemsReadPageAfterPageAsNeeded(t *testing.T) {
	for _, test := range []struct {
		from    string
		until   int64
		fetched string
	}{
		{"", 100, `["" "1" "2" "3"]`},
		{"2", 100, `["2" "3"]`},
		{"", 1, `["" "1"]`},
	} {
		var asked []string
		client := serve(t, nil, pagesOf(4, &asked))
		request := &twinfrontv1.QueryTwinsRequest{PageToken: test.from}
		for row, err := range twinfront.Items(
			t.Context(), client.Queries.QueryTwins, request, (*twinfrontv1.QueryTwinsResponse).GetRows,
		) {
			if err != nil {
				t.Fatal(err)
			}
			if row.GetFields()["n"].GetIntValue() == test.until {
				break
			}
		}
		if got := fmt.Sprintf("%q", asked); got != test.fetched {
			t.Errorf("fetched %s", got)
		}
		if request.GetPageToken() != test.from {
			t.Error("the caller's request was changed")
		}
	}
}

func TestCancellingTheContextEndsItems(t *testing.T) {
	var asked []string
	client := serve(t, nil, pagesOf(4, &asked))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range twinfront.Items(
		ctx, client.Queries.QueryTwins, &twinfrontv1.QueryTwinsRequest{}, (*twinfrontv1.QueryTwinsResponse).GetRows,
	) {
		cancel()
		last = err
	}
	if !errors.Is(last, twinfront.CallCancelled) || len(asked) != 1 {
		t.Errorf("got %v after %d pages", last, len(asked))
	}
}

func TestPageTokensThatLeadInACircleAreAnError(t *testing.T) {
	for name, after := range map[string]map[string]string{
		"of one": {"": "1", "1": "1"},
		"of two": {"": "1", "1": "2", "2": "1"},
	} {
		pages := 0
		client := serve(t, nil, &queries{page: func(
			_ context.Context, request *twinfrontv1.QueryTwinsRequest,
		) (*twinfrontv1.QueryTwinsResponse, error) {
			pages++
			return &twinfrontv1.QueryTwinsResponse{Rows: rows(1), NextPageToken: after[request.GetPageToken()]}, nil
		}})
		var last error
		for _, err := range twinfront.Items(
			t.Context(), client.Queries.QueryTwins, &twinfrontv1.QueryTwinsRequest{},
			(*twinfrontv1.QueryTwinsResponse).GetRows,
		) {
			last = err
		}
		if !errors.Is(last, twinfront.Other) || pages > 6 {
			t.Errorf("%s: got %v after %d pages", name, last, pages)
		}
	}
}
