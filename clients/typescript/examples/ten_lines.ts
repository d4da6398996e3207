/**
 * Changes a room's temperature, unless somebody else was faster.
 *
 * It needs a server with a twin "room-001": TWINFRONT_ADDRESS, or localhost:50051.
 */
import { isTwinfrontError, patch, TwinfrontClient } from "twinfront";

// begin ten lines
const client = new TwinfrontClient(process.env.TWINFRONT_ADDRESS ?? "localhost:50051");
const { digitalTwin } = await client.digitalTwins.getDigitalTwin({ digitalTwinId: "room-001" });
try {
  await client.digitalTwins.updateDigitalTwin({
    digitalTwinId: "room-001",
    patch: patch().replace("/temperature", 22.5).operations,
    ifMatch: digitalTwin!.etag,
  });
} catch (error) {
  if (!isTwinfrontError(error) || error.kind !== "EtagMismatch") throw error;
  console.log("somebody was faster; the current etag is", error.currentEtag);
}
client.close();
// end ten lines
