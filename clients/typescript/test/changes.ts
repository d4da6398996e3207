import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { once } from "node:events";
import type { TestContext } from "node:test";

import {
  ChangeKind,
  type Change,
  ChangeSchema,
  type GetChangeLogResponseSchema,
  Reset_Reason,
  type WatchRequest,
  type WatchResponseSchema,
} from "../src/gen/twinfront/v1/change_service_pb.js";
import { type DigitalTwin, DigitalTwinSchema } from "../src/gen/twinfront/v1/digital_twin_pb.js";
import { type Relationship, RelationshipSchema } from "../src/gen/twinfront/v1/relationship_pb.js";
import { type ClientOptions, toValues, type TwinfrontClient } from "../src/index.js";
import { refusal, serve } from "./serving.js";

export const ROOM = "dtmi:example:Room;1";
export const MEETING_ROOM = "dtmi:example:MeetingRoom;1";
export const TIME = timestampFromDate(new Date("2026-06-01T07:30:00Z"));
export const LATER = timestampFromDate(new Date("2026-06-01T07:31:00Z"));

type Message = MessageInitShape<typeof WatchResponseSchema>;

/** What is sent on a stream, and how it ends: with OK if there is no error, and `"open"` never. */
export interface Stream {
  readonly messages?: readonly Message[];
  readonly end?: ConnectError | "open";
}

/** A server whose streams are up to a test: one after the other, and one more than there are stays open. */
export class Changes {
  readonly requests: WatchRequest[] = [];
  readonly askedModels: string[][] = [];
  log: MessageInitShape<typeof GetChangeLogResponseSchema> = {};
  /** What each model extends; `undefined` if models may not be read. */
  bases: { readonly [modelId: string]: readonly string[] } | undefined = { [ROOM]: [], [MEETING_ROOM]: [ROOM] };

  constructor(public streams: Stream[]) {}

  get tokens(): string[] {
    return this.requests.map(({ resumeToken }) => resumeToken);
  }

  async serve(t: TestContext, options?: ClientOptions): Promise<TwinfrontClient> {
    const next = (request: WatchRequest) => {
      this.requests.push(request);
      return this.streams.shift() ?? ({ end: "open" } as const);
    };
    async function* watch(request: WatchRequest, { signal }: HandlerContext): AsyncGenerator<Message> {
      const { messages = [], end } = next(request);
      yield* messages;
      if (end === "open") {
        await once(signal, "abort");
      } else if (end) {
        throw end;
      }
    }
    const listModels = ({ dependenciesFor }: { dependenciesFor: string[] }) => {
      this.askedModels.push(dependenciesFor);
      const { bases } = this;
      if (!bases) {
        throw new ConnectError("models are none of your business", Code.PermissionDenied);
      }
      if (dependenciesFor.some((modelId) => !(modelId in bases))) {
        throw refusal("MODEL_NOT_FOUND", Code.NotFound);
      }
      const models = Object.entries(bases).map(([id, [base]]) => ({
        id,
        dtdlModel: JSON.stringify({ extends: base }),
      }));
      return { models };
    };
    return await serve(t, { changes: { watch, getChangeLog: () => this.log }, models: { listModels } }, options);
  }
}

export function twin(id: string, version: number, properties: object = {}): DigitalTwin {
  return create(DigitalTwinSchema, {
    id,
    etag: String(version),
    modelId: ROOM,
    properties: toValues({ n: version, ...properties }),
    lastUpdateTime: TIME,
  });
}

export function relationship(sourceId: string, id: string, targetId: string): Relationship {
  return create(RelationshipSchema, { id, etag: "1", sourceId, targetId, name: "leadsTo" });
}

export function updated(id: string, of: DigitalTwin, kind = ChangeKind.TWIN_UPDATED): Change {
  const resource = { case: "digitalTwin", value: of } as const;
  return create(ChangeSchema, { id, kind, time: TIME, digitalTwinId: of.id, etag: of.etag, resource });
}

/** A change without what it is about, and without an etag. */
export function bare(change: Change): Change {
  return { ...change, etag: "", resource: { case: undefined } };
}

export function deleted(id: string, of: DigitalTwin): Change {
  return updated(id, of, ChangeKind.TWIN_DELETED);
}

export function changes(resumeToken: string, ...each: Change[]): Message {
  return { resumeToken, item: { case: "changes", value: { changes: each } } };
}

export function state(resumeToken: string, digitalTwins: DigitalTwin[], relationships: Relationship[] = []): Message {
  return { resumeToken, item: { case: "initialItems", value: { digitalTwins, relationships } } };
}

export function stateEnd(resumeToken: string): Message {
  return { resumeToken, item: { case: "initialStateEnd", value: {} } };
}

export function checkpoint(resumeToken: string, time: Timestamp = TIME): Message {
  return { resumeToken, item: { case: "checkpoint", value: { time } } };
}

export function reset(resumeToken: string): Message {
  return { resumeToken, item: { case: "reset", value: { reason: Reset_Reason.BULK_JOB } } };
}
