import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { createServer } from "node:http2";
import { test } from "node:test";

import { fromError, type TwinfrontError } from "../src/index.js";
import { policyOf, Retries, RetryBudget } from "../src/retries.js";
import { isOfKind } from "./kinds.js";
import { dial, serve } from "./serving.js";

const failure = (code: Code, pushback?: string): TwinfrontError => fromError(refusal(code, pushback));
const READ = policyOf("twinfront.v1.DigitalTwinService/GetDigitalTwin").retry;

function refusal(code: Code, pushback?: string): ConnectError {
  const metadata = pushback === undefined ? { "content-type": "grpc" } : { "grpc-retry-pushback-ms": pushback };
  return new ConnectError("No.", code, metadata);
}

test("pauses double up to their bound, give or take a fifth", () => {
  const bounds = [100, 200, 400, 800];
  const retries = new Retries(READ, new RetryBudget());
  for (const bound of bounds) {
    const pause = retries.pauseAfter(failure(Code.Unavailable)) ?? 0;
    assert(pause >= 0.8 * bound && pause <= 1.2 * bound, `${pause} is not about ${bound}`);
  }
  assert.equal(retries.pauseAfter(failure(Code.Unavailable)), undefined);
});

test("the server's own pause is kept, and pauses start anew after it", () => {
  const retries = new Retries(READ, new RetryBudget());
  retries.pauseAfter(failure(Code.Unavailable));
  assert.equal(retries.pauseAfter(failure(Code.ResourceExhausted, "1234")), 1234);
  assert((retries.pauseAfter(failure(Code.Unavailable)) ?? 1000) <= 120);
});

test("nothing is sent again that the server forbids, that is not retryable, or that this client finds too large", () => {
  const cases = [
    failure(Code.Unavailable, "-1"),
    failure(Code.Unavailable, "soon"),
    failure(Code.Internal),
    fromError(new ConnectError("message size 17 is larger than configured readMaxBytes 16", Code.ResourceExhausted)),
  ];
  for (const error of cases) {
    assert.equal(new Retries(READ, new RetryBudget()).pauseAfter(error), undefined, error.message);
  }
  assert.equal(new Retries(undefined, new RetryBudget()).pauseAfter(failure(Code.Unavailable)), undefined);
});

test("the budget of a connection is shared by its calls, and refilled by those that succeed", () => {
  const budget = new RetryBudget();
  const isRetried = () => new Retries(READ, budget).pauseAfter(failure(Code.Unavailable)) !== undefined;
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(isRetried), [true, true, true, true, false, false]);
  for (let calls = 0; calls < 30; calls++) {
    budget.succeeded();
  }
  assert.deepEqual([1, 2].map(isRetried), [true, false]);
});

test("a read is sent again until it succeeds, and says how often it was", async (t) => {
  const repeats: (string | null)[] = [];
  const client = await serve(t, {
    twins: {
      getDigitalTwin: (_, { requestHeader }) => {
        repeats.push(requestHeader.get("grpc-previous-rpc-attempts"));
        if (repeats.length < 3) {
          throw refusal(Code.Unavailable, "0");
        }
        return { etag: "read" };
      },
    },
  });
  assert.equal((await client.digitalTwins.getDigitalTwin({})).etag, "read");
  assert.deepEqual(repeats, [null, "1", "2"]);
});

test("nobody waits for a pause that ends after the deadline", async (t) => {
  const client = await serve(t, {
    twins: {
      getDigitalTwin: () => {
        throw refusal(Code.Unavailable, "60000");
      },
    },
  });
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { timeoutMs: 10_000 }), isOfKind("Unavailable"));
});

test("a signal ends the pause before a call is sent again", async (t) => {
  const aborting = new AbortController();
  const client = await serve(t, {
    twins: {
      getDigitalTwin: () => {
        setTimeout(() => aborting.abort(), 50);
        throw refusal(Code.Unavailable, "20000");
      },
    },
  });
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { signal: aborting.signal }), isOfKind("CallCancelled"));
});

test("a pause that is longer than a timer takes is no short one", async (t) => {
  const aborting = new AbortController();
  let reads = 0;
  const client = await serve(t, {
    twins: {
      getDigitalTwin: () => {
        reads++;
        setTimeout(() => aborting.abort(), 200);
        throw refusal(Code.Unavailable, String(2 ** 40));
      },
    },
  });
  const read = client.digitalTwins.getDigitalTwin({}, { timeoutMs: 0, signal: aborting.signal });
  await assert.rejects(read, isOfKind("CallCancelled"));
  assert.equal(reads, 1);
});

test("a stream is opened again as long as no answer has begun", async (t) => {
  let opened = 0;
  const server = createServer();
  server.on("stream", (stream) => {
    const isRefused = ++opened < 3;
    const header = { ":status": 200, "content-type": "application/grpc+proto" };
    stream.respond(
      { ...header, "grpc-status": isRefused ? "14" : "0", "grpc-retry-pushback-ms": "0" },
      { endStream: true },
    );
  });
  const client = await dial(t, server);
  for await (const message of client.queries.streamQueryTwins({ query: "SELECT" })) {
    assert.fail(`there is a message: ${message.resumeToken}`);
  }
  assert.equal(opened, 3);
});

test("an answer that is too large is not asked for again", async (t) => {
  let reads = 0;
  const client = await serve(t, {
    twins: {
      getDigitalTwin: () => {
        reads++;
        return { etag: "x".repeat(17 * 1024 * 1024) };
      },
    },
  });
  await assert.rejects(client.digitalTwins.getDigitalTwin({}), isOfKind("ResourceExhausted"));
  assert.equal(reads, 1);
});
