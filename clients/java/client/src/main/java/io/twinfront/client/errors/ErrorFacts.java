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

/** What is known of a failed call, and which exception it is. */
record ErrorFacts(Status status, Metadata trailers, List<Any> details, ErrorInfo info) {
    private static final String DOMAIN = "twinfront";
    private static final Metadata.Key<byte[]> STATUS_DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    private static final Metadata.Key<String> REQUEST_ID =
            Metadata.Key.of("twinfront-request-id", Metadata.ASCII_STRING_MARSHALLER);

    /** By the names of {@code ErrorReason} without prefix; the others are of the class of their code. */
    static final Map<String, Function<ErrorFacts, TwinfrontException>> BY_REASON = Map.ofEntries(
            entry("TWIN_NOT_FOUND", TwinNotFoundException::new),
            entry("RELATIONSHIP_NOT_FOUND", RelationshipNotFoundException::new),
            entry("COMPONENT_NOT_FOUND", ComponentNotFoundException::new),
            entry("MODEL_NOT_FOUND", ModelNotFoundException::new),
            entry("EVENT_ROUTE_NOT_FOUND", EventRouteNotFoundException::new),
            entry("JOB_NOT_FOUND", JobNotFoundException::new),
            entry("ETAG_MISMATCH", EtagMismatchException::new),
            entry("TWIN_HAS_RELATIONSHIPS", TwinHasRelationshipsException::new),
            entry("TARGET_TWIN_NOT_FOUND", TargetTwinNotFoundException::new),
            entry("MODEL_HAS_DEPENDENTS", ModelHasDependentsException::new),
            entry("MODEL_DECOMMISSIONED", ModelDecommissionedException::new),
            entry("VALIDATION_FAILED", ValidationFailedException::new),
            entry("JSON_PATCH_INVALID", JsonPatchInvalidException::new),
            entry("DTDL_INVALID", DtdlInvalidException::new),
            entry("QUERY_INVALID", QueryInvalidException::new),
            entry("PAGE_TOKEN_INVALID", PageTokenInvalidException::new),
            entry("UPSTREAM_THROTTLED", ThrottledException::new),
            entry("LIMIT_REACHED", LimitReachedException::new),
            entry("OUTCOME_UNKNOWN", OutcomeUnknownException::new),
            entry("VALIDATE_ONLY_UNSUPPORTED", ValidateOnlyUnsupportedException::new));

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

    static ErrorFacts of(Status status, Metadata trailers) {
        byte[] sent = trailers == null ? null : trailers.get(STATUS_DETAILS);
        return of(status, trailers, sent == null ? List.of() : detailsIn(sent));
    }

    static ErrorFacts of(com.google.rpc.Status status) {
        Metadata trailers = new Metadata();
        trailers.put(STATUS_DETAILS, status.toByteArray());
        Status plain = Status.fromCodeValue(status.getCode()).withDescription(status.getMessage());
        return of(plain, trailers, status.getDetailsList());
    }

    private static ErrorFacts of(Status status, Metadata trailers, List<Any> details) {
        ErrorInfo info = detail(details, ErrorInfo.class)
                .filter(candidate -> candidate.getDomain().equals(DOMAIN))
                .orElse(ErrorInfo.getDefaultInstance());
        return new ErrorFacts(status, trailers, List.copyOf(details), info);
    }

    static <T extends Message> Optional<T> detail(List<Any> details, Class<T> type) {
        for (Any detail : details) {
            if (detail.is(type)) {
                try {
                    return Optional.of(detail.unpack(type));
                } catch (InvalidProtocolBufferException e) {
                    return Optional.empty(); // a status without a readable detail still says what happened
                }
            }
        }
        return Optional.empty();
    }

    <T extends Message> Optional<T> detail(Class<T> type) {
        return detail(details, type);
    }

    String requestId() {
        String id = trailers == null ? null : trailers.get(REQUEST_ID);
        return id == null ? "" : id;
    }

    /** How long the server asks to wait; null if it does not. */
    Duration retryAfter() {
        return detail(RetryInfo.class)
                .filter(RetryInfo::hasRetryDelay)
                .map(RetryInfo::getRetryDelay)
                .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()))
                .orElse(null);
    }

    TwinfrontException toException() {
        return BY_REASON
                .getOrDefault(info.getReason(), BY_CODE.getOrDefault(status.getCode(), TwinfrontException::new))
                .apply(this);
    }

    private static List<Any> detailsIn(byte[] sent) {
        try {
            return com.google.rpc.Status.parseFrom(sent).getDetailsList();
        } catch (InvalidProtocolBufferException e) {
            return List.of(); // as above
        }
    }
}
