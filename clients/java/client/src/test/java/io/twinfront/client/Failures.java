package io.twinfront.client;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/** What a server says no with. */
final class Failures {
    private Failures() {}

    static StatusRuntimeException of(Status.Code code, String reason) {
        ErrorInfo info =
                ErrorInfo.newBuilder().setDomain("twinfront").setReason(reason).build();
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .addDetails(Any.pack(info))
                .build());
    }

    /** Says no, and when to try again. */
    static StatusRuntimeException unavailableFor(long seconds) {
        StatusRuntimeException plain = of(Status.Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE");
        RetryInfo info = RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(seconds))
                .build();
        return StatusProto.toStatusRuntimeException(StatusProto.fromThrowable(plain).toBuilder()
                .addDetails(Any.pack(info))
                .build());
    }
}
