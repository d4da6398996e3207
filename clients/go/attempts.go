package twinfront

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	unbounded = math.MaxInt // as many attempts as there is time for
	// How often something that answers, or breaks, is tried: a call, or a stream since it last brought something.
	severalAttempts = 5
	// How long a stream is tried for since it broke.
	streamPatience = time.Minute
)

// mostAttempts has the reasons that say that nothing was done and another attempt may succeed.
var mostAttempts = map[string]int{
	// begin reasons: made by clients/reasons.py; do not edit
	"SERVER_DRAINING":        unbounded,
	"UPSTREAM_UNAVAILABLE":   5,
	"AUTHORIZER_UNAVAILABLE": 5,
	// end reasons
}

// patience says how many attempts a kind of call has after a failure of a server that answers.
type patience struct {
	outages int // after those of the reasons above that have a number
	losses  int // after a lost connection
	others  int // after Unavailable with another reason
}

var (
	// The connection makes the further attempts at a read itself, as the service config says.
	patienceOfReads         = patience{1, 1, 1}
	patienceOfWrites        = patience{severalAttempts, 1, 1}
	patienceOfWritesWithIDs = patience{severalAttempts, severalAttempts, 1}
	patienceOfStreams       = patience{severalAttempts, severalAttempts, severalAttempts}
	patienceOfNone          = patience{}
)

// attempts counts the attempts at one call, and decides after each whether there is another one.
//
//	an attempt that …              has done         is followed by another one
//	is told SERVER_DRAINING        nothing          while there is time
//	finds no connection            nothing          while there is time, once the server was seen
//	is told UPSTREAM_UNAVAILABLE   nothing          four times
//	loses its connection           all, or nothing  four times, if the call bears that
//	ends with anything else        what that says   never
//
// A server that forbids another attempt (grpc-retry-pushback-ms) is obeyed, and one that asks to wait is waited for.
//
// A call bears it if it has a request_id, the same each time: a server that knows it answers with the outcome of the
// first attempt. Another server, or the same after a restart, does not know it, and applies the write. That is no harm if
// the write ends in the same state twice; but if it is refused then, that may be for what its own first attempt did. So
// after a lost answer only a success counts, or an answer that is marked as the first one's; else the call ends with the
// loss, unless its time ended or the caller ended it, which says as little of what it has done.
type attempts struct {
	patience patience
	// made counts from the beginning of the call, through all streams that it takes.
	made int
	// inARow and failures count since the call, or the stream since it last brought something, began.
	inARow, failures int
	// giveUp is when a stream that is broken is given up; zero for other calls, whose context says it.
	giveUp time.Time
	// lost is the first error after which nobody knows what the call has done.
	lost error
}

// outcome is how an attempt failed.
type outcome struct {
	err error
	// attempts is how many attempts it was: the connection makes several at a read.
	attempts int
	// isSent tells whether there was a connection to send the call on.
	isSent bool
	// isReplayed tells whether this is the outcome of an earlier attempt, which the server knew.
	isReplayed bool
	// isFinal tells whether the server says that no other attempt helps.
	isFinal bool
	// wasSeen tells whether the client has had a connection to the server before.
	wasSeen bool
}

// getOn notes that a stream has brought something: from here on it may break as one does that begins.
func (a *attempts) getOn() { *a = attempts{patience: a.patience, made: a.made} }

// run makes attempts until one succeeds, which has no error, or there is none left; gives the error that this ends with.
func (a *attempts) run(ctx context.Context, once func() outcome) error {
	for {
		last := once()
		if last.err == nil {
			return nil
		}
		a.made += last.attempts
		wait, err := a.next(ctx, last)
		if err == nil {
			err = sleep(ctx, wait)
		}
		if err != nil {
			return a.counted(err)
		}
	}
}

// counted says in an error how many attempts there were.
func (a *attempts) counted(err error) error {
	if own := (*Error)(nil); errors.As(err, &own) {
		own.Attempts = a.made
	}
	return err
}

// next gives the time to wait before the next attempt, or the error that the call ends with.
func (a *attempts) next(ctx context.Context, last outcome) (time.Duration, error) {
	if last.isReplayed || a.patience == patienceOfNone || ctx.Err() != nil {
		return 0, last.err
	}
	if a.patience == patienceOfStreams && a.inARow == 0 {
		a.giveUp = time.Now().Add(streamPatience)
	}
	most := 1
	if !last.isFinal {
		most = a.mostAfter(last)
	}
	a.inARow++
	if most != unbounded {
		a.failures++
	}
	wait := max(pause(a.inARow), askedFor(last.err))
	if a.failures >= most || !a.leaves(ctx, wait) {
		return 0, a.truth(last.err)
	}
	return wait, nil
}

// mostAfter gives the number of attempts that a failure like the last one is worth.
func (a *attempts) mostAfter(last outcome) int {
	var failure *Error
	if !errors.As(last.err, &failure) || failure.Code != codes.Unavailable {
		return 1
	}
	switch most, isKnown := mostAttempts[failure.Reason]; {
	case most == unbounded:
		return unbounded
	case isKnown:
		return min(most, a.patience.outages)
	case failure.Reason != "":
		return a.patience.others
	case last.isSent:
		if a.patience != patienceOfStreams && a.lost == nil {
			a.lost = last.err
		}
		return a.patience.losses
	case last.wasSeen:
		return unbounded
	}
	return a.patience.others
}

func (a *attempts) leaves(ctx context.Context, wait time.Duration) bool {
	end := time.Now().Add(wait)
	deadline, isBounded := ctx.Deadline()
	return (!isBounded || end.Before(deadline)) && (a.giveUp.IsZero() || end.Before(a.giveUp))
}

// truth gives the error that is true of all attempts: that of a lost answer, once there was one.
func (a *attempts) truth(err error) error {
	if a.lost == nil || errors.Is(err, DeadlineExceeded) || errors.Is(err, CallCancelled) {
		return err
	}
	return a.lost
}

// askedFor gives the time that the server asks to wait.
func askedFor(err error) time.Duration {
	if retryable := (*RetryableError)(nil); errors.As(err, &retryable) {
		return retryable.RetryAfter
	}
	return 0
}

// prepared gives the attempts that a call may have, and the request that each of them sends: that of a write gets a
// request_id unless it has one, and is a copy then.
func prepared(method string, request any) (any, attempts) {
	message, ok := request.(proto.Message)
	switch {
	case isRead(method):
		return request, attempts{patience: patienceOfReads}
	case !ok || !canBeIdentified(message):
		return request, attempts{patience: patienceOfWrites}
	}
	identified := request.(interface {
		GetRequestId() string
		GetValidateOnly() bool
	})
	if identified.GetRequestId() == "" && !identified.GetValidateOnly() {
		message = proto.Clone(message)
		setString(message, "request_id", rand.Text())
	}
	if shiftsElements(message) {
		return message, attempts{patience: patienceOfWrites}
	}
	return message, attempts{patience: patienceOfWritesWithIDs}
}

// isRead tells whether the contract says that an RPC, "/service/method", changes nothing.
func isRead(method string) bool {
	name := strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return false
	}
	options, ok := found.Options().(*descriptorpb.MethodOptions)
	return ok && options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}

// canBeIdentified tells whether a request_id shows what became of the whole write. Not so of a batch: each of its items
// has a refusal of its own.
func canBeIdentified(message proto.Message) bool {
	fields := message.ProtoReflect().Descriptor().Fields()
	return fields.ByName("request_id") != nil && fields.ByName("writes") == nil
}

// shiftsElements tells whether a patch adds elements to an array or takes some out: it does more if it is applied twice.
func shiftsElements(message proto.Message) bool {
	patching, ok := message.(interface {
		GetPatch() []*twinfrontv1.JsonPatchOperation
	})
	if !ok {
		return false
	}
	for _, operation := range patching.GetPatch() {
		name := operation.GetPath()[strings.LastIndexByte(operation.GetPath(), '/')+1:]
		isIndex := name != "" && strings.Trim(name, "0123456789") == ""
		if operation.GetOp() != twinfrontv1.JsonPatchOperation_OP_REPLACE && (name == "-" || isIndex) {
			return true
		}
	}
	return false
}
