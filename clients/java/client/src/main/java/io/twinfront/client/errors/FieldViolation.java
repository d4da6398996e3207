package io.twinfront.client.errors;

import java.io.Serializable;

/**
 * A fault of one field of a request.
 *
 * @param field the field's path in the request: {@code digital_twin.properties["temperature"]}, {@code patch[2].path}
 * @param description what is wrong with it, for people
 * @param reason a name of {@code ErrorReason} without prefix; empty if there is none
 */
public record FieldViolation(String field, String description, String reason) implements Serializable {}
