package io.twinfront.client;

/**
 * Notices page tokens that lead back to where they began, and remembers only one of them at a time (Brent's algorithm):
 * the one that was current after one, two, four, eight … steps.
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
