import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";

import type { GraphService, ImportGraphRequest, ImportProgress } from "../src/gen/twinfront/v1/graph_service_pb.js";
import { type ClientOptions, importGraph, type ImportItem, isTwinfrontError } from "../src/index.js";
import { isOfKind } from "./kinds.js";
import { refusal, serve } from "./serving.js";

/** Twins whose ids are their numbers. */
const numbered = (count: number): ImportItem[] =>
  Array.from({ length: count }, (_, number) => ({ item: { case: "digitalTwin", value: { id: String(number) } } }));

const broken = () => new ConnectError("The connection broke.", Code.Unavailable);
const stopping = () => refusal("SERVER_DRAINING");

const serving = (t: TestContext, importing: ServiceImpl<typeof GraphService>["importGraph"], options?: ClientOptions) =>
  serve(t, { graphs: { importGraph: importing } }, options);

/** A client of a server whose streams end after so many items each, the last one well, and where the streams began. */
async function breaking(t: TestContext, mosts: number[], failure: () => ConnectError, options?: ClientOptions) {
  const froms: number[] = [];
  async function* importing(requests: AsyncIterable<ImportGraphRequest>) {
    const most = mosts[froms.length] ?? Number.POSITIVE_INFINITY;
    let from = 0;
    let count = 0;
    for await (const { options, items } of requests) {
      if (options) {
        from = Number(options.resumeFrom);
        froms.push(from);
      }
      count = Math.min(most, count + items.length);
      const imported = Math.max(0, count - from);
      yield { progress: { acknowledgedCount: BigInt(count), digitalTwinsImported: BigInt(imported), failed: 1n } };
      if (count === most) {
        throw failure();
      }
    }
  }
  return { client: await serving(t, importing, options), froms };
}

/** The last progress of an import that is read to its end. */
async function imported(...words: Parameters<typeof importGraph>): Promise<ImportProgress | undefined> {
  let last: ImportProgress | undefined;
  for await (const { progress } of importGraph(...words)) {
    last = progress;
  }
  return last;
}

test("an import goes on after what was acknowledged", async (t) => {
  for (const failure of [broken, stopping]) {
    const { client, froms } = await breaking(t, [150, 300], failure);
    const importOptions = { failuresOnly: true };
    const last = await imported(client, numbered(400), importOptions);
    assert.deepEqual(froms, [0, 150, 300]);
    assert.equal(last?.acknowledgedCount, 400n);
    assert.equal(last.digitalTwinsImported, 400n);
    assert.equal(last.failed, 3n);
    assert.deepEqual(importOptions, { failuresOnly: true });
  }
});

test("an import that begins later goes on from there", async (t) => {
  const { client, froms } = await breaking(t, [10, 50], broken);
  await imported(client, numbered(60), { resumeFrom: 20n });
  assert.deepEqual(froms, [20, 20, 50]);
});

test("an import is given up at the fifth break without progress", async (t) => {
  const { client, froms } = await breaking(t, Array<number>(100).fill(100), broken);
  await assert.rejects(imported(client, numbered(1000)), isOfKind("Unavailable"));
  assert.deepEqual(froms, [0, 100, 100, 100, 100]);
});

test("an import goes on while servers only stop, however often", async (t) => {
  const { client, froms } = await breaking(t, Array<number>(6).fill(0), stopping);
  await imported(client, numbered(1));
  assert.equal(froms.length, 7);
});

test("items that can be iterated over once end the import where it breaks", async (t) => {
  function* once() {
    yield* numbered(10);
  }
  async function* onceInTime() {
    yield* numbered(10);
  }
  for (const items of [once(), onceInTime()]) {
    const { client, froms } = await breaking(t, [5], broken);
    await assert.rejects(imported(client, items), isOfKind("Unavailable"));
    assert.deepEqual(froms, [0]);
  }
});

test("without retry an import that breaks is not gone on with", async (t) => {
  const { client, froms } = await breaking(t, [5], stopping, { retry: false });
  await assert.rejects(imported(client, numbered(10)), isOfKind("Unavailable"));
  assert.deepEqual(froms, [0]);
});

test("an import that is refused is not gone on with", async (t) => {
  let streams = 0;
  const client = await serving(t, async function* () {
    streams++;
    throw new ConnectError("No.", Code.InvalidArgument);
  });
  await assert.rejects(imported(client, numbered(100_000)), isOfKind("InvalidArgument"));
  assert.equal(streams, 1);
});

test("an import of nothing ends", async (t) => {
  const { client, froms } = await breaking(t, [], broken);
  assert.equal((await imported(client, []))?.acknowledgedCount, 0n);
  assert.deepEqual(froms, [0]);
});

test("the time of an import is for all its streams", async (t) => {
  const { client, froms } = await breaking(
    t,
    Array.from({ length: 1000 }, (_, number) => number + 1),
    broken,
  );
  // On a machine that is busy some time is over before the first stream has ended.
  for (let timeoutMs = 500; froms.length <= 1; timeoutMs *= 2) {
    froms.length = 0;
    await assert.rejects(imported(client, numbered(1000), {}, { timeoutMs }), isTwinfrontError);
  }
  assert(froms.length < 1000);
});

test("what iterating over the items throws ends the import, also after a break", async (t) => {
  const { client, froms } = await breaking(t, [100], broken);
  let times = 0;
  let closed = 0;
  const items = {
    *[Symbol.iterator]() {
      times++;
      try {
        yield* numbered(200);
        if (times > 1) {
          throw new RangeError("there is no more");
        }
      } finally {
        closed++;
      }
    },
  };
  await assert.rejects(imported(client, items), /^RangeError: there is no more$/);
  assert.deepEqual(froms, [0, 100]);
  assert.equal(closed, 2);
});

test("an item that cannot be sent ends the import, and its error is told", async (t) => {
  const { client, froms } = await breaking(t, [], broken);
  const beyond = { kind: { case: "intValue" as const, value: 2n ** 80n } };
  const item: ImportItem = { item: { case: "digitalTwin", value: { id: "1", properties: { beyond } } } };
  await assert.rejects(imported(client, [item]), (error) => !isTwinfrontError(error));
  assert(froms.length <= 1); // it may end before the server hears of it
});

test("leaving the loop, or a signal, ends the import", async (t) => {
  const contexts: HandlerContext[] = [];
  const client = await serving(t, async function* (requests, context) {
    contexts.push(context);
    for await (const _ of requests) {
      yield {};
    }
  });
  const endless = {
    *[Symbol.iterator]() {
      for (;;) {
        yield numbered(1)[0]!;
      }
    },
  };
  for await (const _ of importGraph(client, endless)) {
    break;
  }
  const aborting = new AbortController();
  const aborted = async () => {
    for await (const _ of importGraph(client, endless, {}, { signal: aborting.signal })) {
      aborting.abort();
    }
  };
  await assert.rejects(aborted, isOfKind("CallCancelled"));
  assert.equal(contexts.length, 2);
  for (const { signal } of contexts) {
    assert(signal.aborted || (await once(signal, "abort")));
  }
});
