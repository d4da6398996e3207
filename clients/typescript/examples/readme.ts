/**
 * Runs the code blocks of the client's README.
 *
 * It needs a server: TWINFRONT_ADDRESS, or localhost:50051. With a TWINFRONT_TOKEN it connects over TLS, with ca.pem,
 * client.pem and client-key.pem in the working folder.
 */
import { createClient, type Transport } from "@connectrpc/connect";
import {
  asDouble,
  exportGraph,
  fromError,
  fromStatus,
  fromValue,
  fromValues,
  importGraph,
  type ImportItem,
  isTwinfrontError,
  items,
  patch,
  streamQuery,
  toValues,
  TwinCache,
  TwinfrontClient,
  updateWithRetry,
  watch,
} from "twinfront";
import { DigitalTwinService } from "twinfront/v1/digital_twin_service";
import { ExportFormat } from "twinfront/v1/graph_service";

const ROOM = {
  "@context": "dtmi:dtdl:context;3",
  "@id": "dtmi:example:readme:Room;1",
  "@type": "Interface",
  contents: [
    { "@type": "Property", name: "temperature", schema: "double" },
    { "@type": "Property", name: "visits", schema: "long" },
    {
      "@type": "Property",
      name: "labels",
      schema: {
        "@type": "Map",
        mapKey: { name: "key", schema: "string" },
        mapValue: { name: "value", schema: "string" },
      },
    },
    { "@type": "Relationship", name: "leadsTo" },
  ],
};
const hall = "typescript-hall";
const study = "typescript-study";

function dial(target: string, token: string | undefined): TwinfrontClient {
  return token === undefined ? new TwinfrontClient(target) : dialOverTls(target, async () => token);
}

function dialOverTls(target: string, fetchToken: (signal: AbortSignal) => Promise<string>): TwinfrontClient {
  const client = new TwinfrontClient(target, {
    tls: { ca: "ca.pem", cert: "client.pem", key: "client-key.pem" },
    token: (signal) => fetchToken(signal),
  });
  return client;
}

function dialAll(): TwinfrontClient {
  const client = new TwinfrontClient(["localhost:50051", "localhost:50052", "localhost:50053"]);
  return client;
}

async function exportedBytes(client: TwinfrontClient): Promise<number> {
  let bytes = 0;
  for await (const { chunk } of exportGraph(client, { format: ExportFormat.NDJSON })) {
    bytes += chunk.length;
  }
  return bytes;
}

async function mayWrite(client: TwinfrontClient): Promise<boolean> {
  const { decisions } = await client.permissions.checkPermissions({
    checks: [{ method: "twinfront.v1.DigitalTwinService/UpdateDigitalTwin", digitalTwinId: hall }],
  });
  const mayWrite = decisions[0]?.permitted ?? false;
  return mayWrite;
}

function advice(error: unknown): string {
  if (!isTwinfrontError(error)) {
    throw error;
  }
  switch (error.kind) {
    case "EtagMismatch":
      return `somebody was faster, the etag is now ${error.currentEtag}`;
    case "TwinHasRelationships":
      return `${error.incomingTotal} relationships point to it`;
    case "Throttled":
    case "Unavailable":
      return `try again after ${error.retryAfter ?? 1000} ms`;
    case "ValidationFailed":
    case "JsonPatchInvalid":
      return `wrong fields: ${error.fieldViolations.map(({ field }) => field).join(", ")}`;
  }
  if (error.is("NotFound")) {
    return "there is no such thing"; // a twin, a relationship, a model, …
  }
  return `${error.kind}: ${error.message}; the server's log has it as ${error.callId}`;
}

async function plainClient(transport: Transport, digitalTwinId: string): Promise<void> {
  const twins = createClient(DigitalTwinService, transport);
  try {
    await twins.getDigitalTwin({ digitalTwinId });
  } catch (error) {
    throw fromError(error);
  }
}

async function furnish(client: TwinfrontClient): Promise<void> {
  try {
    await client.models.createModels({ dtdlModels: [JSON.stringify(ROOM)] });
  } catch (error) {
    if (!isTwinfrontError(error) || error.kind !== "AlreadyExists") throw error; // there from the last run
  }
  const properties = toValues({
    temperature: 20.5,
    visits: 9_007_199_254_740_993n, // beyond what a number holds
    labels: { door: "green" },
  });
  for (const digitalTwinId of [hall, study]) {
    const digitalTwin = { modelId: ROOM["@id"], properties };
    await client.digitalTwins.createOrReplaceDigitalTwin({ digitalTwinId, digitalTwin });
  }
  await client.relationships.createOrReplaceRelationship({
    digitalTwinId: hall,
    relationshipId: "door",
    relationship: { name: "leadsTo", targetId: study },
  });
}

async function change(client: TwinfrontClient): Promise<void> {
  const changes = patch()
    .replace("/temperature", 21.5)
    .add(["labels", "a/b"], "names may have slashes")
    .sourceTime("temperature", new Date());
  await client.digitalTwins.updateDigitalTwin({ digitalTwinId: hall, patch: changes.operations });
}

async function conflict(client: TwinfrontClient): Promise<void> {
  const changes = patch().replace("/temperature", 19);
  try {
    await client.digitalTwins.updateDigitalTwin({
      digitalTwinId: hall,
      patch: changes.operations,
      ifMatch: 'W/"stale"',
    });
  } catch (error) {
    console.log(advice(error));
  }
  try {
    await plainClient(client.transport, "typescript-nowhere");
  } catch (error) {
    console.log(advice(error));
  }
}

async function wholeDouble(client: TwinfrontClient): Promise<void> {
  await client.digitalTwins.updateDigitalTwin({
    digitalTwinId: study,
    patch: patch().replace("/temperature", 20).operations,
  });
  const { digitalTwin } = await client.digitalTwins.getDigitalTwin({ digitalTwinId: study });
  const temperature = asDouble(digitalTwin?.properties.temperature); // undefined if it is no number, or not there
  console.log("20 came back as", digitalTwin?.properties.temperature?.kind.case, "and is", temperature);
}

async function list(client: TwinfrontClient): Promise<void> {
  const request = { digitalTwinId: hall, pageSize: 100 };
  for await (const { id, targetId } of items(
    client.relationships.listRelationships,
    request,
    (page) => page.relationships,
  )) {
    console.log(id, "leads to", targetId);
  }
}

async function query(client: TwinfrontClient): Promise<void> {
  const query = "SELECT T.$dtId, T.temperature FROM digitaltwins T WHERE STARTSWITH(T.$dtId, 'typescript-')";
  for await (const row of streamQuery(client, { query }, { signal: AbortSignal.timeout(60_000) })) {
    const { $dtId, temperature } = fromValues(row.fields);
    console.log($dtId, temperature);
  }
}

async function imports(client: TwinfrontClient): Promise<void> {
  const room = ROOM["@id"];
  const parts: ImportItem[] = ["typescript-a", "typescript-b"].map((id) => ({
    item: { case: "digitalTwin", value: { id, modelId: room } },
  }));
  for await (const { results, progress } of importGraph(client, parts)) {
    for (const { resource, status } of results) {
      const error = fromStatus(status);
      if (error) {
        console.log(resource, "-", advice(error));
      }
    }
    console.log(String(progress?.acknowledgedCount ?? 0), "of", parts.length);
  }
}

async function count(client: TwinfrontClient): Promise<void> {
  const etag = await updateWithRetry(client, hall, (twin) => {
    const { visits = 0 } = fromValues(twin.properties);
    return patch().add("/visits", BigInt(visits as number | bigint) + 1n);
  });
  const { digitalTwin } = await client.digitalTwins.getDigitalTwin({ digitalTwinId: hall });
  console.log("counted:", etag !== "", digitalTwin?.properties.visits && fromValue(digitalTwin.properties.visits));
}

async function batch(client: TwinfrontClient): Promise<void> {
  const { operations } = patch().replace("/temperature", 18.5);
  const ids = [study, "typescript-nowhere"];
  const { results } = await client.digitalTwins.batchWriteDigitalTwins({
    writes: ids.map((digitalTwinId) => ({ digitalTwinId, write: { case: "patch", value: { operations } } })),
  });
  for (const [index, result] of results.entries()) {
    const error = fromStatus(result.status);
    if (error) {
      console.log(ids[index], "-", advice(error));
    }
  }
}

async function follow(client: TwinfrontClient): Promise<void> {
  const filter = { digitalTwinIds: [hall] };
  for await (const item of watch(client, { filter })) {
    switch (item.case) {
      case "checkpoint": // from here on the watch sees everything
        await visit(client);
        break;
      case "change":
        console.log("changed:", item.value.digitalTwinId, item.value.patch[0]?.path);
        return;
      case "reset":
        console.log("read everything again:", item.value.reason);
    }
  }
}

async function visit(client: TwinfrontClient): Promise<void> {
  const { operations } = patch().add("/visits", 7);
  await client.digitalTwins.updateDigitalTwin({ digitalTwinId: hall, patch: operations });
}

async function cache(client: TwinfrontClient): Promise<void> {
  const rooms = new TwinCache(client, {
    digitalTwinIdPrefixes: ["typescript-"],
    relationships: true,
    changed: (before, after) => console.log("another:", after.id, before.etag !== after.etag),
  }).start();
  await rooms.synced(AbortSignal.timeout(30_000));
  console.log("cached:", rooms.get(hall)?.modelId, rooms.relationships(hall).length);
  await rooms.close();
}

async function exportAll(client: TwinfrontClient): Promise<void> {
  console.log("exported bytes:", (await exportedBytes(client)) > 0);
  console.log("may write:", await mayWrite(client));
}

dialAll().close();
const client = dial(process.env.TWINFRONT_ADDRESS ?? "localhost:50051", process.env.TWINFRONT_TOKEN);
for (const step of [
  furnish,
  change,
  conflict,
  wholeDouble,
  list,
  query,
  imports,
  count,
  batch,
  follow,
  cache,
  exportAll,
]) {
  await step(client);
}
client.close();
