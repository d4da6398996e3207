package io.twinfront.client.errors;

import com.google.rpc.BadRequest;
import java.util.List;

/** The request is wrong, whatever the state of the graph ({@code INVALID_ARGUMENT}). */
public class InvalidArgumentException extends TwinfrontException {
    private static final long serialVersionUID = 1L;

    private final List<FieldViolation> fieldViolations;

    InvalidArgumentException(ErrorFacts facts) {
        super(facts);
        this.fieldViolations =
                facts.detail(BadRequest.class).orElse(BadRequest.getDefaultInstance()).getFieldViolationsList().stream()
                        .map(violation -> new FieldViolation(
                                violation.getField(), violation.getDescription(), violation.getReason()))
                        .toList();
    }

    /** {@return the fields that are wrong; empty if the server named none} */
    public List<FieldViolation> getFieldViolations() {
        return fieldViolations;
    }
}
