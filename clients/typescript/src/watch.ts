import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";

import type { TwinfrontClient } from "./client.js";
import { fromError } from "./errors.js";
import {
  type Change,
  type Checkpoint,
  type InitialStateEnd,
  type Reset,
  type WatchRequest,
  WatchRequestSchema,
  type WatchResponse,
} from "./gen/twinfront/v1/change_service_pb.js";
import type { DigitalTwin } from "./gen/twinfront/v1/digital_twin_pb.js";
import type { Relationship } from "./gen/twinfront/v1/relationship_pb.js";
import { throughBreaks } from "./iteration.js";

/** How many ids of changes a watch remembers, to know those that come again. */
const REMEMBERED = 1000;

/** What a watch may tell. */
type Told =
  /** A change of the graph. */
  | { readonly case: "change"; readonly value: Change }
  /** A digital twin of the state that comes before the changes. */
  | { readonly case: "digitalTwin"; readonly value: DigitalTwin }
  /** A relationship of that state. */
  | { readonly case: "relationship"; readonly value: Relationship }
  /** The state has come, and from here on changes do. */
  | { readonly case: "initialStateEnd"; readonly value: InitialStateEnd }
  /** Nothing has changed, and the token has moved on. */
  | { readonly case: "checkpoint"; readonly value: Checkpoint }
  /** There are changes that are not told one by one: a copy of the graph may be wrong from here on. */
  | { readonly case: "reset"; readonly value: Reset };

/**
 * One thing that a watch tells. `resumeToken` is where a watch goes on that has seen this, and all before it; what came in one
 * message with this may come again then, with the same ids. It is empty as long as there is no such place.
 */
export type WatchItem = Told & { readonly resumeToken: string };

/**
 * How the graph changes: from now on, from a token, from a time, or behind the state as it is, as the request has it. It goes on
 * by itself where its stream breaks or the server ends it, tells each change once, and has no end of its own: leaving the loop
 * ends it, and so does the signal. It fails with `ChangesExpired`, `ResumeTokenInvalid` or `ChangesUnsupported`, or with
 * `Unavailable` when there was no server for a minute; the `resumeToken` of the last item says where another one goes on.
 *
 * @param options - For the calls: `timeoutMs` bounds all of them together.
 */
export async function* watch(
  client: TwinfrontClient,
  request: MessageInitShape<typeof WatchRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<WatchItem, void, undefined> {
  for await (const { items } of followed(client, new WatchCourse(create(WatchRequestSchema, request)), options)) {
    yield* items;
  }
}

/** A message of a watch: what it tells, and the place behind it. */
export interface Followed {
  readonly items: readonly WatchItem[];
  readonly resumeToken: string;
}

/** The messages of a watch, through as many streams as it takes. */
export async function* followed(
  client: TwinfrontClient,
  course: WatchCourse,
  options: CallOptions | undefined,
): AsyncGenerator<Followed, void, undefined> {
  const end = options?.timeoutMs ? performance.now() + options.timeoutMs : undefined;
  async function* begin(bound: CallOptions): AsyncGenerator<WatchResponse, void, undefined> {
    const begunFrom = course.resumeToken;
    for await (const message of client.changes.watch(course.request(), bound)) {
      if (!message.resumeToken) {
        throw fromError(new ConnectError("the server sent a message without a resumeToken", Code.Internal));
      }
      yield message;
    }
    if (client.server.sendsAgain && course.resumeToken === begunFrom) {
      throw fromError(new ConnectError("the server ended Watch without a message", Code.Unavailable));
    }
  }
  do {
    const left = end === undefined ? {} : { timeoutMs: Math.max(1, end - performance.now()) };
    let items: readonly WatchItem[] = [];
    const messages = throughBreaks(
      client,
      { ...options, ...left },
      {
        begin,
        getsOn: (message) => {
          const getsOn = message.resumeToken !== course.resumeToken;
          items = course.items(message);
          return getsOn;
        },
        isComplete: () => false,
        canBeginAnew: () => true,
      },
    );
    for await (const { resumeToken } of messages) {
      yield { items, resumeToken };
    }
  } while (client.server.sendsAgain);
}

/**
 * Follows a watch through all its streams. A change that comes again, as one may after a break, has the id that it had; the last
 * of them are remembered. Not beyond a reset: the state that follows it may be from before such a change, which has to be told
 * once more.
 */
export class WatchCourse {
  /** The token of the last message; that of the request before the first. */
  resumeToken: string;
  private readonly told: Set<string>;

  /** @param told - The ids of changes that were told behind the token of the request. */
  constructor(
    private readonly first: WatchRequest,
    told: Iterable<string> = [],
  ) {
    this.resumeToken = first.resumeToken;
    this.told = new Set(told);
  }

  /** The request of the next stream: behind the last message it does not begin at a time again. */
  request(): WatchRequest {
    const request = clone(WatchRequestSchema, this.first);
    if (this.resumeToken) {
      request.resumeToken = this.resumeToken;
      delete request.startTime;
    }
    return request;
  }

  /**
   * What a message tells. Only the last item has its token: whoever goes on behind another one has to be told the rest.
   */
  items({ item, resumeToken }: WatchResponse): readonly WatchItem[] {
    const told = toldBy(item);
    const items = told.map((each, index) => ({
      ...each,
      resumeToken: index === told.length - 1 ? resumeToken : this.resumeToken,
    }));
    this.resumeToken = resumeToken;
    return items.filter((each) => this.isNew(each));
  }

  private isNew(item: WatchItem): boolean {
    if (item.case === "reset") {
      this.told.clear();
    }
    if (item.case !== "change" || !item.value.id) {
      return true;
    }
    if (this.told.has(item.value.id)) {
      return false;
    }
    this.told.add(item.value.id);
    if (this.told.size > REMEMBERED) {
      const [oldest] = this.told;
      this.told.delete(oldest!);
    }
    return true;
  }
}

function toldBy(item: WatchResponse["item"]): readonly Told[] {
  switch (item.case) {
    case "changes":
      return item.value.changes.map((value) => ({ case: "change", value }));
    case "initialItems":
      return [
        ...item.value.digitalTwins.map((value) => ({ case: "digitalTwin", value }) as const),
        ...item.value.relationships.map((value) => ({ case: "relationship", value }) as const),
      ];
    case undefined:
      return []; // something newer than this client
    default:
      return [item];
  }
}
