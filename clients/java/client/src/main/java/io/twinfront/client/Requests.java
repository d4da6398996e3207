package io.twinfront.client;

import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import io.twinfront.v1.JsonPatchOperation;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/** What becomes of a request that is sent twice. */
final class Requests {
    private static final Pattern ELEMENT = Pattern.compile("-|\\d+");

    private Requests() {}

    /**
     * Gives a write the {@code request_id} under which a server answers all attempts at it alike, unless the caller has given
     * one. Not so a batch, each of whose items has a refusal of its own, and a dry run, which does nothing.
     */
    static <T> T identified(T request) {
        if (!(request instanceof Message message)) {
            return request;
        }
        FieldDescriptor id = field(message, "request_id");
        if (id == null || isBatch(message) || isDryRun(message) || !((String) message.getField(id)).isEmpty()) {
            return request;
        }
        Message identified =
                message.toBuilder().setField(id, UUID.randomUUID().toString()).build();
        @SuppressWarnings("unchecked") // of the class of the request
        T same = (T) identified;
        return same;
    }

    static Attempts.Kind kind(MethodDescriptor<?, ?> method, Object request) {
        if (method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier schema
                && schema.getMethodDescriptor().getOptions().getIdempotencyLevel()
                        == IdempotencyLevel.NO_SIDE_EFFECTS) {
            return Attempts.Kind.READ;
        }
        return request instanceof Message message && bearsALoss(message)
                ? Attempts.Kind.WRITE_THAT_BEARS_A_LOSS
                : Attempts.Kind.WRITE;
    }

    /** Tells whether a write ends in the same state if a server applies it twice that has lost what it knew of the first time. */
    private static boolean bearsALoss(Message request) {
        return field(request, "request_id") != null && !isBatch(request) && !shiftsElements(request);
    }

    /** Tells whether a patch adds elements to an array or takes some out: it does more if it is applied twice. */
    private static boolean shiftsElements(Message request) {
        FieldDescriptor patch = field(request, "patch");
        return patch != null
                && ((List<?>) request.getField(patch))
                        .stream().map(JsonPatchOperation.class::cast).anyMatch(Requests::shiftsElements);
    }

    private static boolean shiftsElements(JsonPatchOperation operation) {
        String name = operation.getPath().substring(operation.getPath().lastIndexOf('/') + 1);
        return operation.getOp() != JsonPatchOperation.Op.OP_REPLACE
                && ELEMENT.matcher(name).matches();
    }

    private static boolean isBatch(Message request) {
        return field(request, "writes") != null;
    }

    private static boolean isDryRun(Message request) {
        FieldDescriptor validateOnly = field(request, "validate_only");
        return validateOnly != null && (boolean) request.getField(validateOnly);
    }

    private static FieldDescriptor field(Message message, String name) {
        return message.getDescriptorForType().findFieldByName(name);
    }
}
