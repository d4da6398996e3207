package twinfront

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// pause is random up to a bound that doubles, so that writers that collided do not do so again at the same moment.
func pause(attempt int) time.Duration {
	return time.Duration(rand.Int64N(int64(min(longestPause, firstPause<<min(attempt-1, 10)))))
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return typed(ctx.Err(), nil)
	case <-time.After(d):
		return nil
	}
}
