/**
 * Finds out that what is gone through comes back to where it was, and keeps one of it at a time (Brent's algorithm): one
 * is remembered for one, two, four, eight … steps.
 */
export class Circle {
  private steps = 0;
  private bound = 1;

  constructor(private remembered: string) {}

  /** Whether the next one is the one that is remembered. */
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
