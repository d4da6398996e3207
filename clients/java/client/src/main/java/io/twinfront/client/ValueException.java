package io.twinfront.client;

/**
 * A value has a part that cannot be sent.
 *
 * @serial exclude
 */
public class ValueException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String path;

    ValueException(String path, String problem) {
        super("the value" + (path.isEmpty() ? "" : " at " + path) + " " + problem);
        this.path = path;
    }

    /** {@return the JSON Pointer to the part that is wrong, such as {@code /address/city}; empty for the value itself} */
    public String getPath() {
        return path;
    }
}
