package twinfront

// circle finds out that what is gone through comes back to where it was, and keeps one of it at a time (Brent's algorithm):
// one is remembered for one, two, four, eight … steps.
type circle struct {
	remembered   string
	steps, bound int
}

// closesAt tells whether the next one is the one that is remembered.
func (c *circle) closesAt(next string) bool {
	if next == c.remembered {
		return true
	}
	if c.steps++; c.steps == c.bound {
		*c = circle{remembered: next, bound: 2 * c.bound}
	}
	return false
}
