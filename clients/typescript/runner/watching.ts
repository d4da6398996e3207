import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";

import { ChangeKindSchema, Reset_ReasonSchema, WatchRequestSchema } from "../src/gen/twinfront/v1/change_service_pb.js";
import type { DigitalTwin } from "../src/gen/twinfront/v1/digital_twin_pb.js";
import { JsonPatchOperation_OpSchema } from "../src/gen/twinfront/v1/json_patch_pb.js";
import type { Relationship } from "../src/gen/twinfront/v1/relationship_pb.js";
import {
  fromValue,
  fromValues,
  isDigitalTwin,
  type Resource,
  TwinCache,
  type TwinCacheOptions,
  type TwinfrontClient,
  watch,
  type WatchItem,
} from "../src/index.js";
import { tagged } from "./tagged.js";

/** How long a cache may take to come to what is expected of it. */
const A_WHILE_MS = 20_000;

/** What a step with a cache has. */
export interface CacheStep {
  readonly cache?: TwinCacheOptions;
  readonly told?: number;
  readonly model?: string;
  readonly find?: readonly [string, JsonValue];
}

/** What a watch tells, and its last token. */
export async function watched(client: TwinfrontClient, request: JsonObject, take: number): Promise<object> {
  const items: object[] = [];
  let { resumeToken } = fromJson(WatchRequestSchema, request);
  for await (const item of watch(client, fromJson(WatchRequestSchema, request))) {
    ({ resumeToken } = item);
    if (item.case !== "checkpoint") {
      items.push(described(item));
    }
    if (items.length >= take) {
      break;
    }
  }
  return { items, resumeToken };
}

function described(item: WatchItem): object {
  switch (item.case) {
    case "change": {
      const { kind, digitalTwinId, relationshipId, modelId, patch, resource } = item.value;
      const isOfGraph = resource.case === "digitalTwin" || resource.case === "relationship";
      return withoutNothing({
        item: "change",
        kind: `CHANGE_KIND_${ChangeKindSchema.value[kind]?.localName}`,
        digitalTwinId,
        relationshipId,
        modelId,
        patch: patch.map(({ op, path, value }) => [
          JsonPatchOperation_OpSchema.value[op]?.localName.toLowerCase(),
          path,
          value ? tagged(fromValue(value)) : null,
        ]),
        ...(isOfGraph ? resourceOf(resource.value) : {}),
      });
    }
    case "digitalTwin":
    case "relationship":
      return { item: "initialItem", ...resourceOf(item.value) };
    case "reset":
      return {
        item: "reset",
        reason: `REASON_${Reset_ReasonSchema.value[item.value.reason]?.localName}`,
        jobId: item.value.jobId,
      };
    default:
      return { item: item.case };
  }
}

function resourceOf(resource: Resource): object {
  return isDigitalTwin(resource)
    ? { digitalTwin: { id: resource.id, properties: tagged(fromValues(resource.properties)) } }
    : { relationship: { id: resource.id, targetId: resource.targetId } };
}

function withoutNothing(members: object): object {
  const kept = Object.entries(members).filter(
    ([, value]) => !(value === "" || (Array.isArray(value) && !value.length)),
  );
  return Object.fromEntries(kept);
}

/** What a cache tells and shows. */
export async function cached(client: TwinfrontClient, step: CacheStep): Promise<object> {
  const told: string[] = [];
  let enough: () => void = () => {};
  const all = new Promise<void>((resolve) => (enough = resolve));
  const tell = (line: string) => {
    if (told.push(line) >= (step.told ?? 0)) {
      enough();
    }
  };
  const saved = step.cache?.saved;
  const cache = new TwinCache(client, {
    ...step.cache,
    ...(saved === undefined ? {} : { saved: Buffer.from(saved, "base64").toString() }),
    added: (after) => tell(`+${name(after)}`),
    changed: (before, after) => tell(`${name(after)} ${count(before)}>${count(after)}`),
    removed: (before) => tell(`-${name(before)}`),
  }).start();
  try {
    const aWhile = AbortSignal.timeout(A_WHILE_MS);
    await cache.synced(aWhile);
    if (step.told) {
      await Promise.race([all, new Promise((_, reject) => aWhile.addEventListener("abort", reject))]);
    }
  } finally {
    await cache.close();
  }
  return {
    told,
    ids: idsOf(cache.list()),
    relationships: cache.list().flatMap(({ id }) => idsOf(cache.relationships(id))),
    saved: Buffer.from(cache.save()).toString("base64"),
    ...(step.model === undefined ? {} : { ofModel: idsOf(cache.list({ modelId: step.model })) }),
    ...(step.find === undefined ? {} : { found: idsOf(cache.find(...step.find)) }),
  };
}

function idsOf(resources: readonly (DigitalTwin | Relationship)[]): string[] {
  return resources.map(({ id }) => id);
}

/** The id of a twin, and of a relationship both. */
function name(resource: Resource): string {
  return isDigitalTwin(resource) ? resource.id : `${resource.sourceId}/${resource.id}`;
}

function count(resource: Resource): unknown {
  return resource.properties.n && fromValue(resource.properties.n);
}
