import type { MessageInitShape } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";

import { Attempts, backoff } from "./attempts.js";
import { Circle } from "./circle.js";
import type { TwinfrontClient } from "./client.js";
import { fromError, isTwinfrontError } from "./errors.js";
import type { DigitalTwin } from "./gen/twinfront/v1/digital_twin_pb.js";
import type { ExportGraphRequestSchema, ExportGraphResponse } from "./gen/twinfront/v1/graph_service_pb.js";
import type { QueryRow, StreamQueryTwinsRequestSchema } from "./gen/twinfront/v1/query_service_pb.js";
import type { Patch } from "./patch.js";
import { pause } from "./scope.js";

/** A call that lists: `client.models.listModels`. */
export type List<Request, Answer> = (request: Request, options?: CallOptions) => Promise<Answer>;

/**
 * The answers to a request that lists, from its `pageToken` on, each fetched when it is asked for:
 * `pages(client.models.listModels, { pageSize: 100 })`. Page tokens that lead in a circle are an error.
 *
 * @param options - For each of the calls.
 */
export async function* pages<Request extends { pageToken?: string }, Answer extends { nextPageToken: string }>(
  list: List<Request, Answer>,
  request: Request,
  options?: CallOptions,
): AsyncGenerator<Answer, void, undefined> {
  const circle = new Circle(request.pageToken ?? "");
  let answer = await list(request, options);
  yield answer;
  while (answer.nextPageToken) {
    if (circle.closesAt(answer.nextPageToken)) {
      throw fromError(new ConnectError("the server's page tokens lead in a circle", Code.Internal));
    }
    answer = await list({ ...request, pageToken: answer.nextPageToken }, options);
    yield answer;
  }
}

/**
 * The items of all pages:
 * `items(client.models.listModels, {}, (page) => page.models)`.
 *
 * @param options - For each of the calls.
 */
export async function* items<Request extends { pageToken?: string }, Answer extends { nextPageToken: string }, Item>(
  list: List<Request, Answer>,
  request: Request,
  itemsOf: (page: Answer) => readonly Item[],
  options?: CallOptions,
): AsyncGenerator<Item, void, undefined> {
  for await (const page of pages(list, request, options)) {
    yield* itemsOf(page);
  }
}

/**
 * The rows of a query as the server streams them. Where the stream breaks it goes on after the last message, and gives up
 * when it has broken five times without a row in between; as long as servers only stop, or are not there, it goes on for a
 * minute. Leaving the loop ends the stream.
 *
 * @param options - For the calls: `timeoutMs` bounds all of them together.
 */
export async function* streamQuery(
  client: TwinfrontClient,
  request: MessageInitShape<typeof StreamQueryTwinsRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<QueryRow, void, undefined> {
  const { streamQueryTwins } = client.queries;
  for await (const { rows } of resuming(client, streamQueryTwins, request, ({ rows }) => rows.length > 0, options)) {
    yield* rows;
  }
}

/**
 * The messages of an export, which make one graph. Where the stream breaks it goes on as {@link streamQuery} does. Leaving the
 * loop ends the stream.
 *
 * @param options - For the calls: `timeoutMs` bounds all of them together.
 */
export async function* exportGraph(
  client: TwinfrontClient,
  request: MessageInitShape<typeof ExportGraphRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<ExportGraphResponse, void, undefined> {
  const isOfUse = ({ items, chunk }: ExportGraphResponse) => items.length > 0 || chunk.length > 0;
  yield* resuming(client, client.graphs.exportGraph, request, isOfUse, options);
}

/**
 * The messages of a stream, through as many streams as it takes.
 *
 * @param isOfUse - Whether a message has anything in it: what leads nowhere must not be gone on with for ever.
 */
async function* resuming<Request extends { resumeToken?: string }, Answer extends { resumeToken: string }>(
  client: TwinfrontClient,
  begin: (request: Request, options?: CallOptions) => AsyncIterable<Answer>,
  request: Request,
  isOfUse: (message: Answer) => boolean,
  options: CallOptions | undefined,
): AsyncGenerator<Answer, void, undefined> {
  let resumeToken = request.resumeToken ?? "";
  let isComplete = false;
  yield* throughBreaks(client, options, {
    begin: (bound) => begin({ ...request, resumeToken }, bound),
    getsOn: (message) => {
      const getsOn = isOfUse(message) && message.resumeToken !== resumeToken;
      resumeToken = message.resumeToken;
      isComplete = resumeToken === ""; // only the last message has no token: all is there, and what gets lost is the status
      return getsOn;
    },
    isComplete: () => isComplete,
    canBeginAnew: () => true,
  });
}

/** How a stream begins, and how far it is. */
export interface Course<Answer> {
  /** Begins the stream, each time where the last one broke. */
  readonly begin: (options: CallOptions) => AsyncIterable<Answer>;
  /** Notes a message, and tells whether it leads further than those before it. */
  readonly getsOn: (message: Answer) => boolean;
  /** Tells whether nothing is missing any more, whatever the stream ends with. */
  readonly isComplete: () => boolean;
  /** Tells whether it can be begun another time. */
  readonly canBeginAnew: () => boolean;
}

/**
 * The messages of a stream that begins anew wherever it breaks.
 *
 * @param options - For the calls: `timeoutMs` bounds all of them together.
 */
export async function* throughBreaks<Answer>(
  client: TwinfrontClient,
  options: CallOptions | undefined,
  { begin, getsOn, isComplete, canBeginAnew }: Course<Answer>,
): AsyncGenerator<Answer, void, undefined> {
  const attempts = Attempts.atStream(client.server);
  let sent = 0;
  const end = options?.timeoutMs ? performance.now() + options.timeoutMs : undefined;
  const bound = () => (end === undefined ? {} : { timeoutMs: Math.max(1, end - performance.now()) });
  for (;;) {
    try {
      for await (const message of begin({ ...options, ...bound() })) {
        if (getsOn(message)) {
          attempts.getOn();
        }
        yield message;
      }
      return;
    } catch (error) {
      if (!isTwinfrontError(error)) {
        throw error;
      }
      sent += error.attempts;
      error.attempts = sent;
      if (!canBeginAnew()) {
        throw error;
      }
      if (isComplete()) {
        return;
      }
      await pauseFor(attempts.pauseAfter(error, bound().timeoutMs), options?.signal);
    }
  }
}

/** How {@link updateWithRetry} goes about it. */
export interface UpdateOptions extends CallOptions {
  /** How often the change is tried at the most: 5 if left out. */
  readonly attempts?: number;
}

/**
 * Reads a twin, asks for a change to it, and writes the change under the twin's etag. When another writer was faster it
 * does all of it again after a pause (up to 50 ms after the first attempt, twice as long after each further one, 2 s at
 * the most).
 *
 * @param change - Gets the twin and returns a patch, or `undefined` if there is nothing to change. It may be called as
 * often as there are attempts. What it throws ends the update.
 * @param options - For each of the calls; the signal ends the pauses too.
 * @returns The twin's etag.
 * @throws EtagMismatchError if another writer was faster at the last attempt too.
 */
export async function updateWithRetry(
  client: TwinfrontClient,
  digitalTwinId: string,
  change: (twin: DigitalTwin) => Patch | undefined | Promise<Patch | undefined>,
  options: UpdateOptions = {},
): Promise<string> {
  const { attempts = 5, ...callOptions } = options;
  if (!(attempts >= 1)) {
    throw new RangeError(`attempts is ${attempts}, and has to be 1 at the least`);
  }
  for (let attempt = 1; ; attempt++) {
    const { digitalTwin: twin } = await client.digitalTwins.getDigitalTwin({ digitalTwinId }, callOptions);
    if (!twin?.etag) {
      // A write under no etag is one without condition.
      const missing = twin ? "an etag" : "a twin";
      throw fromError(new ConnectError(`the server answered without ${missing}`, Code.Internal));
    }
    const patch = await change(twin);
    if (!patch) {
      return twin.etag;
    }
    try {
      const request = { digitalTwinId, patch: patch.operations, ifMatch: twin.etag };
      return (await client.digitalTwins.updateDigitalTwin(request, callOptions)).etag;
    } catch (error) {
      // Only the server knows that nothing was written; ABORTED alone can be of anything in between.
      if (!isTwinfrontError(error) || error.kind !== "EtagMismatch" || attempt >= attempts) {
        throw error;
      }
    }
    await pauseFor(backoff(attempt), callOptions.signal);
  }
}

async function pauseFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(milliseconds, signal);
  } catch (error) {
    throw fromError(error);
  }
}
