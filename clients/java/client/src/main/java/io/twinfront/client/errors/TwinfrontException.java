package io.twinfront.client.errors;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A call that ended with a status other than OK.
 *
 * <p>Its class tells what happened: first by the reason that the server gives, else, for a reason that this client does
 * not know and for answers without one, by the gRPC code. {@code INTERNAL} and the like are of this very class. Being a
 * {@link StatusRuntimeException}, it has the status and trailers as they came.
 *
 * <p>The calls of a {@link io.twinfront.client.TwinfrontClient} throw it. Generated stubs cannot: they make an exception of
 * the status on their own, and of a status only the cause is theirs to choose. So {@link TypedErrorInterceptor}, which is in
 * the client's channel, makes this exception the cause of theirs, and {@link #from} finds it there.
 */
public class TwinfrontException extends StatusRuntimeException {
    private static final long serialVersionUID = 1L;

    private final String reason;
    private final Map<String, String> metadata;
    private final String callId;
    private final List<Any> details;
    private final int attempts;

    TwinfrontException(ErrorFacts facts) {
        super(facts.status(), facts.trailers());
        this.reason = facts.info().getReason();
        this.metadata = Map.copyOf(facts.info().getMetadataMap());
        this.callId = facts.callId();
        this.details = facts.details();
        this.attempts = facts.attempts();
    }

    /**
     * Finds the error of a call in what a plain stub, a future or an observer gives.
     *
     * <pre>{@code
     * catch (StatusRuntimeException e) {
     *     if (TwinfrontException.from(e) instanceof EtagMismatchException mismatch) { … }
     * }
     * }</pre>
     *
     * @param thrown a {@code StatusRuntimeException} or {@code StatusException}, or anything with one among its causes, such as
     *     an {@code ExecutionException}
     * @return the error itself if it is typed already; what has no status becomes {@code UNKNOWN} with it as the cause, as
     *     with {@link Status#fromThrowable}
     */
    public static TwinfrontException from(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof TwinfrontException typed) {
                return typed;
            }
        }
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof StatusRuntimeException failure) {
                return from(failure.getStatus(), failure.getTrailers());
            }
            if (cause instanceof StatusException failure) {
                return from(failure.getStatus(), failure.getTrailers());
            }
        }
        return from(Status.UNKNOWN.withCause(thrown), null);
    }

    /**
     * Makes an error of the status and trailers that a call was closed with.
     *
     * @param status any but OK
     * @param trailers where the details are; null if there are none
     * @return the error
     */
    public static TwinfrontException from(Status status, Metadata trailers) {
        return from(status, trailers, 1);
    }

    /**
     * Makes an error of the status and trailers that the last of several attempts at a call was closed with.
     *
     * @param status any but OK
     * @param trailers where the details are; null if there are none
     * @param attempts how often the call was sent
     * @return the error
     */
    public static TwinfrontException from(Status status, Metadata trailers, int attempts) {
        return ErrorFacts.of(status, trailers, attempts).toException();
    }

    /**
     * Makes an error of the status of one item of a batch or an import.
     *
     * @param status as it is in the result of the item
     * @return the error; empty if the item did not fail
     */
    public static Optional<TwinfrontException> fromStatus(com.google.rpc.Status status) {
        return status.getCode() == Status.Code.OK.value()
                ? Optional.empty()
                : Optional.of(ErrorFacts.of(status).toException());
    }

    /** {@return the gRPC code} */
    public Status.Code getCode() {
        return getStatus().getCode();
    }

    /** {@return why, as a name of {@code ErrorReason} without prefix such as {@code ETAG_MISMATCH}; empty if none was given} */
    public String getReason() {
        return reason;
    }

    /** {@return a sentence for people; empty if there is none} */
    public String getDescription() {
        String description = getStatus().getDescription();
        return description == null ? "" : description;
    }

    /** {@return the ids that the error is about, by request field: {@code {"digital_twin_id": "room-001"}}} */
    public Map<String, String> getMetadata() {
        return metadata;
    }

    /** {@return the id under which the server logged the call; empty if it did not get there} */
    public String getCallId() {
        return callId;
    }

    /** {@return how often the call was sent, by this client and by gRPC's own retries} */
    public int getAttempts() {
        return attempts;
    }

    /**
     * Gives a detail of the status, such as {@code com.google.rpc.ResourceInfo}.
     *
     * @param <T> the type of the detail
     * @param type the class of the detail
     * @return the first detail of the type; empty if there is none
     */
    public <T extends Message> Optional<T> getDetail(Class<T> type) {
        return ErrorFacts.detail(details, type);
    }

    /** {@return reason (or code), description, and the call id if there is one} */
    @Override
    public String getMessage() {
        String text = "[" + (reason.isEmpty() ? getCode().name() : reason) + "] " + getDescription();
        return callId.isEmpty() ? text : text + " (call id " + callId + ")";
    }
}
