/**
 * Notices page tokens that lead back to where they began, and remembers only one of them at a time (Brent's algorithm):
 * the one that was current after one, two, four, eight … steps.
 */
export class Circle {
  private steps = 0;
  private bound = 1;

  constructor(private remembered: string) {}

  /** Tells whether the next token is the one that is remembered. */
  closesAt(next: string): boolean {
    if (next === this.remembered) {
      return true;
    }
    if (++this.steps === this.bound) {
      this.remembered = next;
      this.steps = 0;
      this.bound *= 2;
    }
    return false;
  }
}
