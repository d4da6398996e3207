package io.twinfront.client.errors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.twinfront.v1.ErrorReason;
import io.twinfront.v1.EtagConflict;
import io.twinfront.v1.RelationshipsBlockingDelete;
import io.twinfront.v1.RelationshipsBlockingDelete.BlockingRelationship;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TwinfrontExceptionTest {
    private static com.google.rpc.Status status(Status.Code code, String reason, Message... details) {
        com.google.rpc.Status.Builder status =
                com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("No.");
        ErrorInfo info = ErrorInfo.newBuilder()
                .setDomain("twinfront")
                .setReason(reason)
                .putMetadata("digital_twin_id", "room-001")
                .build();
        status.addDetails(Any.pack(info));
        for (Message detail : details) {
            status.addDetails(Any.pack(detail));
        }
        return status.build();
    }

    private static TwinfrontException failure(Status.Code code, String reason, Message... details) {
        return TwinfrontException.from(StatusProto.toStatusRuntimeException(status(code, reason, details)));
    }

    @Test
    void anEtagMismatchCarriesBothEtags() {
        EtagConflict conflict = EtagConflict.newBuilder()
                .setResource("digitaltwins/room-001")
                .setExpectedEtag("a")
                .setCurrentEtag("b")
                .build();
        EtagMismatchException mismatch =
                assertInstanceOf(EtagMismatchException.class, failure(Status.Code.ABORTED, "ETAG_MISMATCH", conflict));
        assertInstanceOf(AbortedException.class, mismatch);
        assertEquals("digitaltwins/room-001", mismatch.getResource());
        assertEquals("a", mismatch.getExpectedEtag());
        assertEquals("b", mismatch.getCurrentEtag());
        assertEquals("ETAG_MISMATCH", mismatch.getReason());
        assertEquals(Status.Code.ABORTED, mismatch.getCode());
        assertEquals("No.", mismatch.getDescription());
        assertEquals(Map.of("digital_twin_id", "room-001"), mismatch.getMetadata());
        assertEquals("[ETAG_MISMATCH] No.", mismatch.getMessage());
    }

    @Test
    void aBlockedDeleteNamesTheRelationships() {
        RelationshipsBlockingDelete blocking = RelationshipsBlockingDelete.newBuilder()
                .addIncoming(BlockingRelationship.newBuilder().setSourceId("floor"))
                .setIncomingTotal(42)
                .setCountsAreLowerBounds(true)
                .build();
        TwinHasRelationshipsException blocked = assertInstanceOf(
                TwinHasRelationshipsException.class,
                failure(Status.Code.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS", blocking));
        assertEquals("floor", blocked.getIncoming().get(0).getSourceId());
        assertEquals(List.of(), blocked.getOutgoing());
        assertEquals(42, blocked.getIncomingTotal());
        assertEquals(0, blocked.getOutgoingTotal());
        assertTrue(blocked.areCountsLowerBounds());
    }

    @Test
    void throttlingSaysWhenToTryAgain() {
        RetryInfo retry = RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(1).setNanos(500_000_000))
                .build();
        ThrottledException throttled = assertInstanceOf(
                ThrottledException.class, failure(Status.Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED", retry));
        assertEquals(Optional.of(java.time.Duration.ofMillis(1500)), throttled.getRetryAfter());
        UnavailableException draining =
                assertInstanceOf(UnavailableException.class, failure(Status.Code.UNAVAILABLE, "SERVER_DRAINING"));
        assertEquals(Optional.empty(), draining.getRetryAfter());
    }

    @Test
    void anInvalidArgumentNamesTheFields() {
        BadRequest request = BadRequest.newBuilder()
                .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                        .setField("patch[0].path")
                        .setDescription("leads nowhere")
                        .setReason("JSON_PATCH_INVALID"))
                .build();
        InvalidArgumentException invalid = assertInstanceOf(
                JsonPatchInvalidException.class, failure(Status.Code.INVALID_ARGUMENT, "JSON_PATCH_INVALID", request));
        assertEquals(
                List.of(new FieldViolation("patch[0].path", "leads nowhere", "JSON_PATCH_INVALID")),
                invalid.getFieldViolations());
    }

    @Test
    void aReasonThatIsNotKnownGoesByItsCode() {
        assertSame(
                NotFoundException.class,
                failure(Status.Code.NOT_FOUND, "SOMETHING_NEW").getClass());
        assertSame(TwinfrontException.class, failure(Status.Code.INTERNAL, "").getClass());
        assertSame(
                AlreadyExistsException.class,
                failure(Status.Code.ALREADY_EXISTS, "JOB_ALREADY_EXISTS").getClass());
    }

    @Test
    void theReasonOfAnotherDomainDoesNotCount() {
        com.google.rpc.Status status = com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.NOT_FOUND.value())
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setDomain("example.com")
                        .setReason("TWIN_NOT_FOUND")
                        .build()))
                .build();
        TwinfrontException failure = TwinfrontException.fromStatus(status).orElseThrow();
        assertSame(NotFoundException.class, failure.getClass());
        assertEquals("", failure.getReason());
    }

    private static TwinfrontException withDetails(Status.Code code, Any... details) {
        return TwinfrontException.fromStatus(com.google.rpc.Status.newBuilder()
                        .setCode(code.value())
                        .addAllDetails(List.of(details))
                        .build())
                .orElseThrow();
    }

    private static Any info(String domain, String reason) {
        return Any.pack(
                ErrorInfo.newBuilder().setDomain(domain).setReason(reason).build());
    }

    @Test
    void theFirstReasonOfTheDomainCounts() {
        TwinfrontException failure = withDetails(
                Status.Code.NOT_FOUND,
                info("example.com", "ZZZ"),
                info("twinfront", "TWIN_NOT_FOUND"),
                info("twinfront", "MODEL_NOT_FOUND"));
        assertInstanceOf(TwinNotFoundException.class, failure);
        assertEquals("TWIN_NOT_FOUND", failure.getReason());
    }

    @Test
    void aDetailThatCannotBeReadLeavesTheOthers() {
        ByteString broken = ByteString.copyFrom(new byte[] {-1, -1, -1});
        Any good = info("twinfront", "TWIN_NOT_FOUND");
        Any brokenInfo = good.toBuilder().setValue(broken).build();
        Any brokenOther = Any.newBuilder()
                .setTypeUrl("type.googleapis.com/google.rpc.DebugInfo")
                .setValue(broken)
                .build();
        Any ofNoType = Any.newBuilder().setValue(broken).build();
        for (Any first : List.of(brokenInfo, brokenOther, ofNoType)) {
            assertInstanceOf(TwinNotFoundException.class, withDetails(Status.Code.NOT_FOUND, first, good));
            assertInstanceOf(TwinNotFoundException.class, withDetails(Status.Code.NOT_FOUND, good, first));
        }
        Any ofOtherPrefix =
                good.toBuilder().setTypeUrl("example.com/google.rpc.ErrorInfo").build();
        assertInstanceOf(TwinNotFoundException.class, withDetails(Status.Code.NOT_FOUND, ofOtherPrefix));
    }

    @Test
    void aReasonCountsOnlyWithItsCode() {
        TwinfrontException failure = failure(Status.Code.FAILED_PRECONDITION, "ETAG_MISMATCH");
        assertSame(FailedPreconditionException.class, failure.getClass());
        assertEquals("ETAG_MISMATCH", failure.getReason());
    }

    @Test
    void detailsOfAnotherCodeThanTheStatusDoNotCount() {
        Metadata trailers = failure(Status.Code.ABORTED, "ETAG_MISMATCH").getTrailers();
        TwinfrontException failure = TwinfrontException.from(Status.NOT_FOUND, trailers);
        assertSame(NotFoundException.class, failure.getClass());
        assertEquals("", failure.getReason());
    }

    @ParameterizedTest
    @CsvSource({
        "1, 500000000, 1500",
        "-5, 0, 0",
        "0, -1, 0",
        "4611686018427387904, 0, 86400000",
        "9223372036854775807, 2000000000, 86400000",
        "-9223372036854775808, -2000000000, 0"
    })
    void theTimeToWaitIsBetweenNothingAndADay(long seconds, int nanos, long millis) {
        RetryInfo retry = RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(seconds).setNanos(nanos))
                .build();
        ThrottledException throttled = assertInstanceOf(
                ThrottledException.class, failure(Status.Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED", retry));
        assertEquals(Optional.of(java.time.Duration.ofMillis(millis)), throttled.getRetryAfter());
    }

    @Test
    void everyReasonWithAClassIsOneOfTheContract() {
        for (ErrorFacts.CodedReason coded : ErrorFacts.BY_REASON.keySet()) {
            assertNotNull(ErrorReason.valueOf("ERROR_REASON_" + coded.reason()));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"OK", "UNKNOWN", "UNIMPLEMENTED", "INTERNAL", "OUT_OF_RANGE", "DATA_LOSS"})
    void theOtherCodesHaveAClass(Status.Code code) {
        assertNotSame(
                TwinfrontException.class,
                TwinfrontException.from(code.toStatus(), null).getClass());
    }

    @Test
    void theCallIdIsInATrailer() {
        Metadata trailers = new Metadata();
        trailers.put(Metadata.Key.of("twinfront-call-id", Metadata.ASCII_STRING_MARSHALLER), "r-1");
        TwinfrontException failure = TwinfrontException.from(Status.INTERNAL.withDescription("No."), trailers);
        assertEquals("r-1", failure.getCallId());
        assertEquals("[INTERNAL] No. (call id r-1)", failure.getMessage());
        assertSame(trailers, failure.getTrailers());
    }

    @Test
    void detailsThatCannotBeReadAreLeftOut() {
        Metadata trailers = new Metadata();
        trailers.put(
                Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {(byte) 0xff});
        assertSame(
                AbortedException.class,
                TwinfrontException.from(Status.ABORTED, trailers).getClass());
    }

    @Test
    void theErrorIsFoundAmongTheCauses() {
        TwinfrontException typed = failure(Status.Code.NOT_FOUND, "TWIN_NOT_FOUND");
        StatusRuntimeException ofAStub = typed.getStatus().withCause(typed).asRuntimeException();
        assertSame(typed, TwinfrontException.from(new ExecutionException(ofAStub)));
        assertInstanceOf(
                AbortedException.class, TwinfrontException.from(new ExecutionException(Status.ABORTED.asException())));
    }

    @Test
    void whatHasNoStatusIsUnknown() {
        IllegalStateException other = new IllegalStateException();
        TwinfrontException failure = TwinfrontException.from(other);
        assertEquals(Status.Code.UNKNOWN, failure.getCode());
        assertSame(other, failure.getCause());
    }

    @Test
    void theStatusOfAnItemIsAnErrorUnlessItIsOk() {
        assertEquals(Optional.empty(), TwinfrontException.fromStatus(com.google.rpc.Status.getDefaultInstance()));
        ResourceInfo resource =
                ResourceInfo.newBuilder().setResourceName("room-001").build();
        TwinfrontException failure = TwinfrontException.fromStatus(
                        status(Status.Code.NOT_FOUND, "TWIN_NOT_FOUND", resource))
                .orElseThrow();
        assertInstanceOf(TwinNotFoundException.class, failure);
        assertEquals(Optional.of(resource), failure.getDetail(ResourceInfo.class));
        assertEquals("No.", failure.getDescription());
    }
}
