/// Notices page tokens that lead back to where they began, and remembers only one of them at a time (Brent's algorithm):
/// the one that was current after one, two, four, eight … steps.
pub(crate) struct Circle {
    remembered: String,
    steps: u64,
    bound: u64,
}

impl Circle {
    pub(crate) fn new(first: &str) -> Self {
        Self { remembered: first.to_owned(), steps: 0, bound: 1 }
    }

    /// Tells whether the next token is the one that is remembered.
    pub(crate) fn closes_at(&mut self, next: &str) -> bool {
        if self.remembered == next {
            return true;
        }
        self.steps += 1;
        if self.steps == self.bound {
            *self = Self { remembered: next.to_owned(), steps: 0, bound: self.bound * 2 };
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are gone through, of `lead` before a circle of a length, before it is found out.
    fn found_after(lead: usize, length: usize) -> usize {
        let mut circle = Circle::new("");
        let place = |number: usize| if number < lead { number } else { lead + (number - lead) % length };
        (0..).find(|&number| circle.closes_at(&place(number).to_string())).unwrap()
    }

    #[test]
    fn circles_of_any_length_are_found_out_soon() {
        for lead in [0, 1, 2, 7, 100] {
            for length in [1, 2, 3, 8, 1000] {
                let found = found_after(lead, length);
                assert!(found <= 3 * (lead + length) + 1, "{lead} and {length}: {found}");
            }
        }
    }

    #[test]
    fn what_never_comes_back_is_no_circle() {
        let mut circle = Circle::new("");
        assert!(!(0..10_000).any(|number| circle.closes_at(&number.to_string())));
    }
}
