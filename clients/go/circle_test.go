package twinfront

import (
	"strconv"
	"testing"
)

func TestCirclesOfAnyLengthAreFoundOutSoon(t *testing.T) {
	for _, lead := range []int{0, 1, 2, 7, 100} {
		for _, length := range []int{1, 2, 3, 8, 1000} {
			tokens, steps := circle{bound: 1}, 0
			place := func() int {
				if steps < lead {
					return steps
				}
				return lead + (steps-lead)%length
			}
			for !tokens.closesAt(strconv.Itoa(place())) {
				steps++
			}
			if most := 3*(lead+length) + 1; steps > most {
				t.Errorf("%d and %d: found after %d", lead, length, steps)
			}
		}
	}
}

func TestWhatNeverComesBackIsNoCircle(t *testing.T) {
	tokens := circle{bound: 1}
	for step := range 10_000 {
		if tokens.closesAt(strconv.Itoa(step)) {
			t.Fatalf("found one at %d", step)
		}
	}
}
