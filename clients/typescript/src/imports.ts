import { clone, create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";

import type { TwinfrontClient } from "./client.js";
import {
  type GraphItem,
  GraphItemSchema,
  type ImportGraphRequestSchema,
  type ImportGraphResponse,
  type ImportOptions,
  ImportOptionsSchema,
  type ImportProgress,
  ImportProgressSchema,
} from "./gen/twinfront/v1/graph_service_pb.js";
import { throughBreaks } from "./iteration.js";

/** A model, a twin or a relationship: `{ item: { case: "dtdlModel", value: text } }`. */
export type ImportItem = MessageInitShape<typeof GraphItemSchema>;

type ImportMessage = MessageInitShape<typeof ImportGraphRequestSchema>;

// A message of an import has as many items as suit the server.
const ITEMS_PER_MESSAGE = 100;
const BYTES_PER_MESSAGE = 256 * 1024;

/**
 * Writes models, twins and relationships as they come, in an order in which each finds what it needs before it. This is not
 * atomic. It gives the server's reports: the results of items that ended, and the progress.
 *
 * Where the stream breaks, the import goes on after the items that were acknowledged, and gives up as {@link streamQuery}
 * does. For that the items are iterated over again, from the first one, and have to be the same again. If they can be
 * iterated over only once, as those of a generator, the import ends where the stream breaks. Items that were written and not
 * yet acknowledged are written once more, which ends in the same state, and are reported and counted once more.
 *
 * Leaving the loop ends the import; what was sent may have been written. An item that failed is no error of the import:
 * {@link fromStatus} makes one of the status in its result. What iterating over the items throws ends the import.
 *
 * @param importOptions - `resumeFrom` to go on with an import that ended early, `failuresOnly`, `validateOnly`.
 * @param options - For the calls: `timeoutMs` bounds all of them together.
 */
export async function* importGraph(
  client: TwinfrontClient,
  items: Iterable<ImportItem> | AsyncIterable<ImportItem>,
  importOptions: MessageInitShape<typeof ImportOptionsSchema> = {},
  options?: CallOptions,
): AsyncGenerator<ImportGraphResponse, void, undefined> {
  const next = create(ImportOptionsSchema, { ...importOptions });
  let before = create(ImportProgressSchema); // of the streams that broke
  let reached = before;
  let haveFailed = false;
  const begin = async function* (callOptions: CallOptions): AsyncGenerator<ImportGraphResponse, void, undefined> {
    before = reached;
    const failures: unknown[] = [];
    const sent = messages(clone(ImportOptionsSchema, next), items, failures);
    try {
      yield* client.graphs.importGraph(sent, callOptions);
    } catch (error) {
      haveFailed = failures.length > 0;
      throw haveFailed ? failures[0] : error;
    } finally {
      sent.return(undefined).catch(() => {}); // lets the items close what they read from
    }
  };
  yield* throughBreaks(client, options, {
    begin,
    getsOn: (report) => {
      report.progress = reached = sum(before, report.progress);
      const getsOn = reached.acknowledgedCount > next.resumeFrom;
      next.resumeFrom = getsOn ? reached.acknowledgedCount : next.resumeFrom;
      return getsOn;
    },
    isComplete: () => false,
    canBeginAnew: () => !haveFailed && canBeReadAgain(items),
  });
}

/** The messages of an import. */
async function* messages(
  options: ImportOptions,
  items: Iterable<ImportItem> | AsyncIterable<ImportItem>,
  failures: unknown[],
): AsyncGenerator<ImportMessage, void, undefined> {
  yield { options };
  let gathered: GraphItem[] = [];
  let size = 0;
  for await (const { item, bytes } of read(items, failures)) {
    gathered.push(item);
    size += bytes;
    if (gathered.length >= ITEMS_PER_MESSAGE || size >= BYTES_PER_MESSAGE) {
      yield { items: gathered };
      [gathered, size] = [[], 0];
    }
  }
  yield { items: gathered };
}

/** The items and their sizes; what one throws is kept, as the call that it ends does not tell it. */
async function* read(
  items: Iterable<ImportItem> | AsyncIterable<ImportItem>,
  failures: unknown[],
): AsyncGenerator<{ item: GraphItem; bytes: number }, void, undefined> {
  try {
    for await (const each of items) {
      const item = create(GraphItemSchema, each);
      yield { item, bytes: toBinary(GraphItemSchema, item).length };
    }
  } catch (error) {
    failures.push(error);
    throw error;
  }
}

/** Tells whether items are there again from the first one; a generator is its own iterator, and goes on where it is. */
function canBeReadAgain(items: Iterable<ImportItem> | AsyncIterable<ImportItem>): boolean {
  return !("next" in items);
}

/**
 * The progress of a stream together with what was imported before it. What is acknowledged is counted from the first item
 * anyway.
 */
function sum(before: ImportProgress, progress = create(ImportProgressSchema)): ImportProgress {
  return create(ImportProgressSchema, {
    acknowledgedCount: progress.acknowledgedCount,
    modelsImported: before.modelsImported + progress.modelsImported,
    digitalTwinsImported: before.digitalTwinsImported + progress.digitalTwinsImported,
    relationshipsImported: before.relationshipsImported + progress.relationshipsImported,
    failed: before.failed + progress.failed,
  });
}
