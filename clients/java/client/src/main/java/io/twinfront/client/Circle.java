package io.twinfront.client;

/**
 * Finds out that what is gone through comes back to where it was, and keeps one of it at a time (Brent's algorithm): one is
 * remembered for one, two, four, eight … steps.
 */
final class Circle {
    private String remembered;
    private long steps;
    private long bound = 1;

    Circle(String first) {
        this.remembered = first;
    }

    /** Tells whether the next one is the one that is remembered. */
    boolean closesAt(String next) {
        if (next.equals(remembered)) {
            return true;
        }
        if (++steps == bound) {
            remembered = next;
            steps = 0;
            bound *= 2;
        }
        return false;
    }
}
