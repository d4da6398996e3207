/**
 * Two writers of one twin, and a twin that its relationships keep from being deleted.
 *
 * It needs a server: TWINFRONT_ADDRESS, or localhost:50051.
 */
import { fromValues, isTwinfrontError, patch, toValues, TwinfrontClient, updateWithRetry } from "twinfront";
import { Relationships } from "twinfront/v1/digital_twin_service";

const MODEL_ID = "dtmi:example:typescript:Room;1";
const ROOM = {
  "@context": "dtmi:dtdl:context;3",
  "@id": MODEL_ID,
  "@type": "Interface",
  contents: [
    { "@type": "Property", name: "temperature", schema: "double" },
    { "@type": "Relationship", name: "leadsTo" },
  ],
};

const client = new TwinfrontClient(process.env.TWINFRONT_ADDRESS ?? "localhost:50051");
const lobby = "typescript-lobby";
const library = "typescript-library";

try {
  await client.models.createModels({ dtdlModels: [JSON.stringify(ROOM)] });
} catch (error) {
  if (!isTwinfrontError(error) || error.kind !== "AlreadyExists") throw error; // there from the last run
}
for (const digitalTwinId of [lobby, library]) {
  const digitalTwin = { modelId: MODEL_ID, properties: toValues({ temperature: 20.5 }) };
  await client.digitalTwins.createOrReplaceDigitalTwin({ digitalTwinId, digitalTwin });
}

const stale = (await client.digitalTwins.getDigitalTwin({ digitalTwinId: lobby })).digitalTwin!;
try {
  for (const temperature of [21, 22]) {
    // The first write makes the etag of the second one stale.
    const changes = patch().replace("/temperature", temperature).operations;
    await client.digitalTwins.updateDigitalTwin({ digitalTwinId: lobby, patch: changes, ifMatch: stale.etag });
  }
} catch (error) {
  if (!isTwinfrontError(error) || error.kind !== "EtagMismatch") throw error;
  console.log("somebody was faster:", error.currentEtag !== stale.etag);
}
await updateWithRetry(client, lobby, (twin) =>
  patch().replace("/temperature", Number(fromValues(twin.properties).temperature) + 1),
);
const { digitalTwin } = await client.digitalTwins.getDigitalTwin({ digitalTwinId: lobby });
console.log("temperature:", fromValues(digitalTwin!.properties).temperature);

await client.relationships.createOrReplaceRelationship({
  digitalTwinId: lobby,
  relationshipId: "door",
  relationship: { name: "leadsTo", targetId: library },
});
try {
  await client.digitalTwins.deleteDigitalTwin({ digitalTwinId: library });
} catch (error) {
  if (!isTwinfrontError(error) || error.kind !== "TwinHasRelationships") throw error;
  for (const { sourceId, name, targetId } of error.incoming) {
    console.log("in the way:", sourceId, name, targetId);
  }
}
const deleted = await client.digitalTwins.deleteDigitalTwin({
  digitalTwinId: library,
  relationships: Relationships.DETACH,
});
console.log("deleted, with relationships:", Number(deleted.incomingRelationshipsDeleted));
client.close();
