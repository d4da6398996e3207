package io.twinfront.client.errors;

import static java.util.Map.entry;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** Reads a failed call's details and makes its exception. */
record ErrorFacts(Status status, Metadata trailers, List<Any> details, ErrorInfo info, int attempts) {
    private static final String DOMAIN = "twinfront";
    /** No server means more than that, and no program should sleep so long for one that errs. */
    private static final Duration LONGEST_WAIT = Duration.ofDays(1);

    private static final Metadata.Key<byte[]> STATUS_DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    private static final Metadata.Key<String> CALL_ID =
            Metadata.Key.of("twinfront-call-id", Metadata.ASCII_STRING_MARSHALLER);

    /**
     * A reason counts only with its code.
     *
     * @param code the code
     * @param reason a name of {@code ErrorReason} without prefix
     */
    record CodedReason(Status.Code code, String reason) {}

    // begin reasons: made by clients/reasons.py; do not edit
    /** The others are of the class of their code. */
    static final Map<CodedReason, Function<ErrorFacts, TwinfrontException>> BY_REASON = Map.ofEntries(
            entry(new CodedReason(Status.Code.NOT_FOUND, "TWIN_NOT_FOUND"), TwinNotFoundException::new),
            entry(new CodedReason(Status.Code.NOT_FOUND, "RELATIONSHIP_NOT_FOUND"), RelationshipNotFoundException::new),
            entry(new CodedReason(Status.Code.NOT_FOUND, "COMPONENT_NOT_FOUND"), ComponentNotFoundException::new),
            entry(new CodedReason(Status.Code.NOT_FOUND, "MODEL_NOT_FOUND"), ModelNotFoundException::new),
            entry(new CodedReason(Status.Code.NOT_FOUND, "EVENT_ROUTE_NOT_FOUND"), EventRouteNotFoundException::new),
            entry(new CodedReason(Status.Code.NOT_FOUND, "JOB_NOT_FOUND"), JobNotFoundException::new),
            entry(new CodedReason(Status.Code.ABORTED, "ETAG_MISMATCH"), EtagMismatchException::new),
            entry(
                    new CodedReason(Status.Code.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS"),
                    TwinHasRelationshipsException::new),
            entry(
                    new CodedReason(Status.Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND"),
                    TargetTwinNotFoundException::new),
            entry(
                    new CodedReason(Status.Code.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS"),
                    ModelHasDependentsException::new),
            entry(
                    new CodedReason(Status.Code.FAILED_PRECONDITION, "MODEL_DECOMMISSIONED"),
                    ModelDecommissionedException::new),
            entry(new CodedReason(Status.Code.INVALID_ARGUMENT, "VALIDATION_FAILED"), ValidationFailedException::new),
            entry(new CodedReason(Status.Code.INVALID_ARGUMENT, "JSON_PATCH_INVALID"), JsonPatchInvalidException::new),
            entry(new CodedReason(Status.Code.INVALID_ARGUMENT, "DTDL_INVALID"), DtdlInvalidException::new),
            entry(new CodedReason(Status.Code.INVALID_ARGUMENT, "QUERY_INVALID"), QueryInvalidException::new),
            entry(new CodedReason(Status.Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"), PageTokenInvalidException::new),
            entry(
                    new CodedReason(Status.Code.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID"),
                    ResumeTokenInvalidException::new),
            entry(new CodedReason(Status.Code.OUT_OF_RANGE, "CHANGES_EXPIRED"), ChangesExpiredException::new),
            entry(new CodedReason(Status.Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED"), ThrottledException::new),
            entry(new CodedReason(Status.Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED"), LimitReachedException::new),
            entry(new CodedReason(Status.Code.UNKNOWN, "OUTCOME_UNKNOWN"), OutcomeUnknownException::new),
            entry(new CodedReason(Status.Code.UNIMPLEMENTED, "CHANGES_UNSUPPORTED"), ChangesUnsupportedException::new),
            entry(
                    new CodedReason(Status.Code.UNIMPLEMENTED, "VALIDATE_ONLY_UNSUPPORTED"),
                    ValidateOnlyUnsupportedException::new));
    // end reasons

    private static final Map<Status.Code, Function<ErrorFacts, TwinfrontException>> BY_CODE = Map.ofEntries(
            entry(Status.Code.NOT_FOUND, NotFoundException::new),
            entry(Status.Code.ALREADY_EXISTS, AlreadyExistsException::new),
            entry(Status.Code.ABORTED, AbortedException::new),
            entry(Status.Code.FAILED_PRECONDITION, FailedPreconditionException::new),
            entry(Status.Code.INVALID_ARGUMENT, InvalidArgumentException::new),
            entry(Status.Code.RESOURCE_EXHAUSTED, ResourceExhaustedException::new),
            entry(Status.Code.UNAVAILABLE, UnavailableException::new),
            entry(Status.Code.DEADLINE_EXCEEDED, DeadlineExceededException::new),
            entry(Status.Code.CANCELLED, CallCancelledException::new),
            entry(Status.Code.UNAUTHENTICATED, UnauthenticatedException::new),
            entry(Status.Code.PERMISSION_DENIED, PermissionDeniedException::new));

    static ErrorFacts of(Status status, Metadata trailers, int attempts) {
        byte[] sent = trailers == null ? null : trailers.get(STATUS_DETAILS);
        return of(status, trailers, sent == null ? List.of() : detailsIn(sent, status.getCode()), attempts);
    }

    static ErrorFacts of(com.google.rpc.Status status) {
        Metadata trailers = new Metadata();
        trailers.put(STATUS_DETAILS, status.toByteArray());
        Status plain = Status.fromCodeValue(status.getCode()).withDescription(status.getMessage());
        return of(plain, trailers, status.getDetailsList(), 1);
    }

    private static ErrorFacts of(Status status, Metadata trailers, List<Any> details, int attempts) {
        ErrorInfo info = readable(details, ErrorInfo.class)
                .filter(candidate -> candidate.getDomain().equals(DOMAIN))
                .findFirst()
                .orElse(ErrorInfo.getDefaultInstance());
        return new ErrorFacts(status, trailers, List.copyOf(details), info, attempts);
    }

    static <T extends Message> Optional<T> detail(List<Any> details, Class<T> type) {
        return readable(details, type).findFirst();
    }

    /** The details of a type; one that cannot be read leaves the others. */
    private static <T extends Message> Stream<T> readable(List<Any> details, Class<T> type) {
        return details.stream().filter(detail -> detail.is(type)).flatMap(detail -> {
            try {
                return Stream.of(detail.unpack(type));
            } catch (InvalidProtocolBufferException e) {
                return Stream.empty(); // a status without a readable detail still says what happened
            }
        });
    }

    <T extends Message> Optional<T> detail(Class<T> type) {
        return detail(details, type);
    }

    String callId() {
        String id = trailers == null ? null : trailers.get(CALL_ID);
        return id == null ? "" : id;
    }

    /** How long the server asks to wait, from nothing to a day; null if it does not. */
    Duration retryAfter() {
        return detail(RetryInfo.class)
                .filter(RetryInfo::hasRetryDelay)
                .map(RetryInfo::getRetryDelay)
                .map(delay -> {
                    // Within a second of a day nothing overflows.
                    long seconds = Math.max(-1, Math.min(delay.getSeconds(), LONGEST_WAIT.getSeconds() + 1));
                    Duration told = Duration.ofSeconds(seconds, delay.getNanos());
                    return told.isNegative() ? Duration.ZERO : told.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : told;
                })
                .orElse(null);
    }

    TwinfrontException toException() {
        return BY_REASON
                .getOrDefault(
                        new CodedReason(status.getCode(), info.getReason()),
                        BY_CODE.getOrDefault(status.getCode(), TwinfrontException::new))
                .apply(this);
    }

    /** The details that were sent; none if they are of another code than the status, which gRPC forbids. */
    private static List<Any> detailsIn(byte[] sent, Status.Code code) {
        try {
            com.google.rpc.Status status = com.google.rpc.Status.parseFrom(sent);
            boolean isOfTheCode = Status.fromCodeValue(status.getCode()).getCode() == code;
            return isOfTheCode ? status.getDetailsList() : List.of();
        } catch (InvalidProtocolBufferException e) {
            return List.of(); // as above
        }
    }
}
