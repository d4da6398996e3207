import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";

import type { TwinfrontClient } from "./client.js";
import { fromError, isTwinfrontError } from "./errors.js";
import type { DigitalTwin } from "./gen/twinfront/v1/digital_twin_pb.js";
import { type QueryRow, StreamQueryTwinsRequestSchema } from "./gen/twinfront/v1/query_service_pb.js";
import type { Patch } from "./patch.js";
import { pause } from "./scope.js";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
const MAX_BREAKS = 5;

/**
 * The answers to a request that lists, from its `pageToken` on, each fetched when it is asked for:
 * `pages(client.models.listModels, { pageSize: 100 })`.
 */
export async function* pages<Request extends { pageToken?: string }, Answer extends { nextPageToken: string }>(
  list: (request: Request) => Promise<Answer>,
  request: Request,
): AsyncGenerator<Answer, void, undefined> {
  let answer = await list(request);
  yield answer;
  while (answer.nextPageToken) {
    answer = await list({ ...request, pageToken: answer.nextPageToken });
    yield answer;
  }
}

/**
 * The items of all pages:
 * `items(client.models.listModels, {}, (page) => page.models)`.
 */
export async function* items<Request extends { pageToken?: string }, Answer extends { nextPageToken: string }, Item>(
  list: (request: Request) => Promise<Answer>,
  request: Request,
  itemsOf: (page: Answer) => readonly Item[],
): AsyncGenerator<Item, void, undefined> {
  for await (const page of pages(list, request)) {
    yield* itemsOf(page);
  }
}

/**
 * The rows of a query as the server streams them. Where the stream breaks, which is an error of the kind `Unavailable`,
 * it goes on after the last message, and gives up when that has failed five times in a row. Leaving the loop ends the
 * stream.
 *
 * @param options - For each of the calls: `timeoutMs` bounds one stream, not all of them together.
 */
export async function* streamQuery(
  client: TwinfrontClient,
  request: MessageInitShape<typeof StreamQueryTwinsRequestSchema>,
  options?: CallOptions,
): AsyncGenerator<QueryRow, void, undefined> {
  const next = create(StreamQueryTwinsRequestSchema, request);
  let isComplete = false;
  for (let breaks = 0; ;) {
    try {
      for await (const message of client.queries.streamQueryTwins(next, options)) {
        next.resumeToken = message.resumeToken;
        isComplete = message.resumeToken === "";
        breaks = 0;
        yield* message.rows;
      }
      return;
    } catch (error) {
      const isBroken = isTwinfrontError(error) && error.kind === "Unavailable";
      if (isBroken && isComplete) {
        return; // the last message has no token: all rows are there, only the status got lost
      }
      breaks++;
      if (!isBroken || breaks >= MAX_BREAKS) {
        throw error;
      }
    }
    await pauseAfter(breaks, options?.signal);
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
    if (!twin) {
      throw new Error("the server answered without a twin");
    }
    const patch = await change(twin);
    if (!patch) {
      return twin.etag;
    }
    try {
      const request = { digitalTwinId, patch: patch.operations, ifMatch: twin.etag };
      return (await client.digitalTwins.updateDigitalTwin(request, callOptions)).etag;
    } catch (error) {
      if (!isTwinfrontError(error) || !error.is("Aborted") || attempt >= attempts) {
        throw error;
      }
    }
    await pauseAfter(attempt, callOptions.signal);
  }
}

/** Waits for a random time whose bound doubles, so that writers that collided do not do so again at the same moment. */
async function pauseAfter(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)), signal);
  } catch (error) {
    throw fromError(error);
  }
}
