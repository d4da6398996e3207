package twinfront

// circle notices page tokens that lead back to where they began, and remembers only one of them at a time (Brent's
// algorithm): the one that was current after one, two, four, eight … steps.
type circle struct {
	remembered   string
	steps, bound int
}

// closesAt tells whether the next token is the one that is remembered.
func (c *circle) closesAt(next string) bool {
	if next == c.remembered {
		return true
	}
	if c.steps++; c.steps == c.bound {
		*c = circle{remembered: next, bound: 2 * c.bound}
	}
	return false
}
