package io.twinfront.examples;

import io.twinfront.client.Patch;
import io.twinfront.client.TwinfrontClient;
import io.twinfront.client.errors.EtagMismatchException;
import io.twinfront.v1.GetDigitalTwinRequest;
import io.twinfront.v1.UpdateDigitalTwinRequest;

/** Changes a room's temperature, unless somebody else was faster. */
public final class TenLines {
    private TenLines() {}

    /**
     * Runs the example, against the server that {@code TWINFRONT_ADDRESS} names.
     *
     * @param arguments none
     */
    public static void main(String[] arguments) {
        run(System.getenv("TWINFRONT_ADDRESS"));
    }

    // begin ten lines
    static void run(String address) {
        try (TwinfrontClient client = TwinfrontClient.create(address)) {
            var read = GetDigitalTwinRequest.newBuilder()
                    .setDigitalTwinId("room-001")
                    .build();
            String etag = client.digitalTwins().getDigitalTwin(read).getEtag();
            var update = UpdateDigitalTwinRequest.newBuilder()
                    .setDigitalTwinId("room-001")
                    .addAllPatch(new Patch().replace("/temperature", 22.5).operations())
                    .setIfMatch(etag)
                    .build();
            client.digitalTwins().updateDigitalTwin(update);
        } catch (EtagMismatchException mismatch) {
            System.out.println("somebody was faster; the current etag is " + mismatch.getCurrentEtag());
        }
    }
    // end ten lines
}
