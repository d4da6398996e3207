import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";

import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { EtagConflictSchema } from "../src/gen/twinfront/v1/error_details_pb.js";
import type { StreamQueryTwinsResponseSchema } from "../src/gen/twinfront/v1/query_service_pb.js";
import {
  fromValue,
  isTwinfrontError,
  items,
  pages,
  patch,
  exportGraph,
  streamQuery,
  toValue,
  type TwinfrontClient,
  updateWithRetry,
  ValueError,
} from "../src/index.js";
import { isOfKind } from "./kinds.js";
import { refusal, serve } from "./serving.js";

const rows = (...numbers: number[]) => numbers.map((number) => ({ fields: { n: toValue(number) } }));

type Answers = Iterable<MessageInitShape<typeof StreamQueryTwinsResponseSchema>>;

function* brokenAfter(...answers: MessageInitShape<typeof StreamQueryTwinsResponseSchema>[]): Answers {
  yield* answers;
  throw new ConnectError("The server is about to stop.", Code.Unavailable);
}

/** A client of a server that answers one after the other, and the resume tokens that it is sent. */
async function streaming(t: TestContext, answer: (stream: number) => Answers): Promise<[TwinfrontClient, string[]]> {
  const tokens: string[] = [];
  async function* streamQueryTwins({ resumeToken }: { resumeToken: string }) {
    yield* answer(tokens.push(resumeToken));
  }
  return [await serve(t, { queries: { streamQueryTwins } }), tokens];
}

async function collected(client: TwinfrontClient): Promise<unknown[]> {
  const numbers: unknown[] = [];
  for await (const row of streamQuery(client, { query: "SELECT" })) {
    numbers.push(row.fields.n && fromValue(row.fields.n));
  }
  return numbers;
}

test("without retry a stream that breaks is not gone on with", async (t) => {
  let streams = 0;
  async function* streamQueryTwins() {
    yield* brokenAfter({ rows: rows(++streams), resumeToken: "after 1" });
  }
  const client = await serve(t, { queries: { streamQueryTwins } }, { retry: false });
  await assert.rejects(collected(client), isOfKind("Unavailable"));
  assert.equal(streams, 1);
});

test("a stream that is gone on with ends when its time is over", async (t) => {
  let row = 0;
  const [client] = await streaming(t, () => brokenAfter({ rows: rows(++row), resumeToken: `after ${row}` }));
  const reading = async () => {
    for await (const _ of streamQuery(client, { query: "SELECT" }, { timeoutMs: 500 })) {
      // each row is followed by a break, for ever
    }
  };
  await assert.rejects(reading(), isTwinfrontError);
});

test("a stream goes on where it broke", async (t) => {
  const [client, tokens] = await streaming(t, (stream) => {
    switch (stream) {
      case 1:
        return brokenAfter({ rows: rows(1, 2), resumeToken: "after 2" });
      case 2:
      case 3:
        return brokenAfter();
      default:
        return [{ rows: rows(3) }];
    }
  });
  assert.deepEqual(await collected(client), [1, 2, 3]);
  assert.deepEqual(tokens, ["", "after 2", "after 2", "after 2"]);
});

test("a stream that breaks after the last message is complete", async (t) => {
  const [client, tokens] = await streaming(t, () => brokenAfter({ rows: rows(1) }));
  assert.deepEqual(await collected(client), [1]);
  assert.equal(tokens.length, 1);
});

test("a stream is whole after the last message, whatever it ends with", async (t) => {
  const [client, tokens] = await streaming(t, function* () {
    yield { rows: rows(1), resumeToken: "1" };
    yield { rows: rows(2) };
    throw new ConnectError("No.", Code.Internal);
  });
  assert.deepEqual(await collected(client), [1, 2]);
  assert.equal(tokens.length, 1);
});

test("a stream is given up at the fifth break without a row in between", async (t) => {
  const [client, tokens] = await streaming(t, (stream) =>
    stream === 4 ? brokenAfter({ rows: rows(1), resumeToken: "a" }) : brokenAfter(),
  );
  const error: unknown = await collected(client).catch((thrown: unknown) => thrown);
  assert(isTwinfrontError(error) && error.kind === "Unavailable");
  assert.deepEqual([tokens.length, error.attempts], [4 + 4, 4 + 4]);
});

test("a stream that leads nowhere, or to where it began, is given up", async (t) => {
  const [nowhere, tokens] = await streaming(t, (stream) => brokenAfter({ resumeToken: String(stream) }));
  await assert.rejects(collected(nowhere), isOfKind("Unavailable"));
  assert.equal(tokens.length, 5);
  const [same, sameTokens] = await streaming(t, () => brokenAfter({ rows: rows(1), resumeToken: "a" }));
  await assert.rejects(collected(same), isOfKind("Unavailable"));
  assert.equal(sameTokens.length, 5);
});

test("a stream goes on while servers only stop, however often", async (t) => {
  const [client, tokens] = await streaming(t, function* (stream) {
    if (stream < 8) {
      throw refusal("SERVER_DRAINING");
    }
    yield { rows: rows(1) };
  });
  assert.deepEqual(await collected(client), [1]);
  assert.equal(tokens.length, 8);
});

test("an export goes on where it broke", async (t) => {
  const tokens: string[] = [];
  async function* messages({ resumeToken }: { resumeToken: string }) {
    tokens.push(resumeToken);
    if (resumeToken === "") {
      yield { chunk: Buffer.from("1"), resumeToken: "after 1" };
      throw new ConnectError("The connection broke.", Code.Unavailable);
    }
    yield { chunk: Buffer.from("2") };
  }
  const client = await serve(t, { graphs: { exportGraph: messages } });
  let text = "";
  for await (const { chunk } of exportGraph(client, {})) {
    text += Buffer.from(chunk).toString();
  }
  assert.equal(text, "12");
  assert.deepEqual(tokens, ["", "after 1"]);
});

test("a stream that fails otherwise is not gone on with", async (t) => {
  const [client, tokens] = await streaming(t, () => {
    throw new ConnectError("No.", Code.InvalidArgument);
  });
  await assert.rejects(collected(client), isOfKind("InvalidArgument"));
  assert.equal(tokens.length, 1);
});

test("leaving the loop, or a signal, ends the stream", async (t) => {
  const contexts: HandlerContext[] = [];
  async function* streamQueryTwins(_: unknown, context: HandlerContext) {
    contexts.push(context);
    for (;;) {
      yield { rows: rows(1), resumeToken: "a" };
    }
  }
  const client = await serve(t, { queries: { streamQueryTwins } });
  for await (const _ of streamQuery(client, { query: "SELECT" })) {
    break;
  }
  const aborting = new AbortController();
  const aborted = async () => {
    for await (const _ of streamQuery(client, { query: "SELECT" }, { signal: aborting.signal })) {
      aborting.abort();
    }
  };
  await assert.rejects(aborted, isOfKind("CallCancelled"));
  assert.equal(contexts.length, 2);
  for (const { signal } of contexts) {
    assert(signal.aborted || (await once(signal, "abort")));
  }
});

test("items are read page after page as needed", async (t) => {
  let asked: string[] = [];
  const queryTwins = ({ pageToken }: { pageToken: string }) => {
    asked.push(pageToken);
    const number = Number(pageToken || 0);
    return { rows: rows(number), nextPageToken: number < 3 ? String(number + 1) : "" };
  };
  const client = await serve(t, { queries: { queryTwins } });
  const cases: [string, number, string[]][] = [
    ["", 100, ["", "1", "2", "3"]],
    ["2", 100, ["2", "3"]],
    ["", 1, ["", "1"]],
  ];
  for (const [pageToken, until, fetched] of cases) {
    asked = [];
    const request = { query: "SELECT", pageToken };
    for await (const row of items(client.queries.queryTwins, request, (page) => page.rows)) {
      if (row.fields.n && fromValue(row.fields.n) === until) {
        break;
      }
    }
    assert.deepEqual(asked, fetched);
    assert.equal(request.pageToken, pageToken);
  }
});

test("page tokens that lead in a circle are an error", async (t) => {
  for (const [after, most] of [
    [["1", "1"], 2],
    [["1", "2", "1"], 6],
  ] as const) {
    const queryTwins = ({ pageToken }: { pageToken: string }) => ({
      rows: rows(1),
      nextPageToken: after[Number(pageToken)]!,
    });
    const client = await serve(t, { queries: { queryTwins } });
    let count = 0;
    const all = async () => {
      for await (const _ of items(client.queries.queryTwins, {}, (page) => page.rows)) {
        count++;
      }
    };
    await assert.rejects(all, isOfKind("Twinfront"));
    assert(count <= most, `${count} pages`);
  }
});

test("a list takes options for each of its calls", async (t) => {
  const aborting = new AbortController();
  const queryTwins = (_: unknown, context: HandlerContext) => ({
    rows: rows(1),
    nextPageToken: context.requestHeader.get("twinfront-call-id") + "+",
  });
  const client = await serve(t, { queries: { queryTwins } });
  const options = { signal: aborting.signal, headers: { "twinfront-call-id": "r1" } };
  const tokens: string[] = [];
  const all = async () => {
    for await (const page of pages(client.queries.queryTwins, {}, options)) {
      tokens.push(page.nextPageToken);
      aborting.abort();
    }
  };
  await assert.rejects(all, isOfKind("CallCancelled"));
  assert.deepEqual(tokens, ["r1+"]);
});

/** A client whose first writes fail so, and how often it reads and writes. */
async function contested(t: TestContext, ...failures: ConnectError[]) {
  const counts = { reads: 0, writes: 0 };
  const getDigitalTwin = () => {
    counts.reads++;
    return { digitalTwin: { etag: "read" } };
  };
  const updateDigitalTwin = ({ ifMatch }: { ifMatch: string }) => {
    const failure = failures[counts.writes++];
    if (failure || ifMatch !== "read") {
      throw failure ?? new ConnectError("there was no condition", Code.Internal);
    }
    return { etag: "written" };
  };
  return { client: await serve(t, { twins: { getDigitalTwin, updateDigitalTwin } }), counts };
}

function mismatch(): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason: "ETAG_MISMATCH", domain: "twinfront" } };
  const conflict = { desc: EtagConflictSchema, value: { currentEtag: "other" } };
  return new ConnectError("No.", Code.Aborted, undefined, [info, conflict]);
}

const change = () => patch().replace("/counter", 1);

test("an update is tried again when another writer was faster", async (t) => {
  const { client, counts } = await contested(t, mismatch(), mismatch());
  assert.equal(await updateWithRetry(client, "room-001", change, { attempts: 3 }), "written");
  assert.deepEqual(counts, { reads: 3, writes: 3 });
});

test("an update is given up after the last attempt", async (t) => {
  const { client, counts } = await contested(t, mismatch(), mismatch());
  await assert.rejects(updateWithRetry(client, "room-001", change, { attempts: 2 }), (error) => {
    return isTwinfrontError(error) && error.kind === "EtagMismatch" && error.currentEtag === "other";
  });
  assert.deepEqual(counts, { reads: 2, writes: 2 });
});

test("an update with nothing to change writes nothing", async (t) => {
  const { client, counts } = await contested(t);
  assert.equal(await updateWithRetry(client, "room-001", () => undefined), "read");
  assert.deepEqual(counts, { reads: 1, writes: 0 });
});

test("other errors end an update at once", async (t) => {
  const { client, counts } = await contested(t, new ConnectError("No.", Code.NotFound));
  for (const attempts of [0, -1, Number.NaN]) {
    await assert.rejects(updateWithRetry(client, "room-001", change, { attempts }), RangeError);
  }
  const failing = () => Promise.reject(mismatch());
  await assert.rejects(updateWithRetry(client, "room-001", failing), ConnectError);
  const wrong = () => patch().add("/a", Number.NaN);
  await assert.rejects(updateWithRetry(client, "room-001", wrong), ValueError);
  assert.deepEqual(counts, { reads: 2, writes: 0 });
  await assert.rejects(updateWithRetry(client, "room-001", change), isOfKind("NotFound"));
  assert.deepEqual(counts, { reads: 3, writes: 1 });
});

test("nothing is written again unless the server says that the etag was another", async (t) => {
  for (const [failure, kind] of [
    [new ConnectError("No.", Code.Aborted), "Aborted"],
    [refusal("SOMETHING_NEW", Code.Aborted), "Aborted"],
    [refusal("ETAG_MISMATCH", Code.FailedPrecondition), "FailedPrecondition"],
  ] as const) {
    const { client, counts } = await contested(t, failure);
    await assert.rejects(updateWithRetry(client, "room-001", change), isOfKind(kind));
    assert.deepEqual(counts, { reads: 1, writes: 1 });
  }
});

test("nothing is written under an etag that was not given", async (t) => {
  for (const answer of [{}, { etag: "read" }, { digitalTwin: {} }]) {
    let calls = 0;
    const updateDigitalTwin = () => {
      calls++;
      return {};
    };
    const client = await serve(t, { twins: { getDigitalTwin: () => answer, updateDigitalTwin } });
    const changed = () => {
      calls++;
      return change();
    };
    await assert.rejects(updateWithRetry(client, "room-001", changed), isOfKind("Twinfront"));
    assert.equal(calls, 0);
  }
});

test("a signal ends the pause between updates", async (t) => {
  const { client } = await contested(t, ...Array.from({ length: 1000 }, mismatch));
  const signal = AbortSignal.timeout(200);
  await assert.rejects(
    updateWithRetry(client, "room-001", change, { attempts: 1000, signal }),
    isOfKind("DeadlineExceeded"),
  );
});
