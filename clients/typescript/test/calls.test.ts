import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { type TestContext, test } from "node:test";

import { type ClientOptions, isTwinfrontError, type TwinfrontClient, VERSION } from "../src/index.js";
import { isOfKind } from "./kinds.js";
import { serve } from "./serving.js";

/** A client whose reads of twins are noted, and answered. */
async function noted(t: TestContext, options?: ClientOptions): Promise<[TwinfrontClient, HandlerContext[]]> {
  const contexts: HandlerContext[] = [];
  const getDigitalTwin = (_: unknown, context: HandlerContext) => {
    contexts.push(context);
    return {};
  };
  return [await serve(t, { twins: { getDigitalTwin } }, options), contexts];
}

/** A client whose reads of twins never end by themselves; the promise has their context once there is one. */
async function hanging(t: TestContext, options?: ClientOptions): Promise<[TwinfrontClient, Promise<HandlerContext>]> {
  let called: (context: HandlerContext) => void;
  const context = new Promise<HandlerContext>((resolve) => (called = resolve));
  const getDigitalTwin = async (_: unknown, context: HandlerContext) => {
    called(context);
    await once(context.signal, "abort");
    return {};
  };
  return [await serve(t, { twins: { getDigitalTwin } }, options), context];
}

test("a default deadline is for calls that have none of their own", async (t) => {
  const [client, contexts] = await noted(t);
  await client.digitalTwins.getDigitalTwin({});
  await client.digitalTwins.getDigitalTwin({}, { timeoutMs: 300_000 });
  await client.digitalTwins.getDigitalTwin({}, { timeoutMs: 0 });
  const seconds = contexts.map((context) => {
    const left = context.timeoutMs();
    return left === undefined ? undefined : Math.round(left / 10_000) * 10; // the calls take a while themselves
  });
  assert.deepEqual(seconds, [30, 300, undefined]);
});

test("a call ends at its deadline, on both sides", async (t) => {
  const [client, context] = await hanging(t);
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { timeoutMs: 100 }), isOfKind("DeadlineExceeded"));
  assert((await context).signal.aborted || (await once((await context).signal, "abort")));
});

test("a call ends with its signal, on both sides", async (t) => {
  const [client, context] = await hanging(t);
  const aborting = new AbortController();
  const call = client.digitalTwins.getDigitalTwin({}, { signal: aborting.signal });
  const { signal } = await context;
  aborting.abort();
  await assert.rejects(call, isOfKind("CallCancelled"));
  assert(signal.aborted || (await once(signal, "abort")));
});

test("a signal that is a timeout is a deadline, and one that was aborted before ends the call at once", async (t) => {
  const [client] = await hanging(t);
  const timeout = AbortSignal.timeout(50);
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { signal: timeout }), isOfKind("DeadlineExceeded"));
  const aborted = AbortSignal.abort("not needed any more");
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { signal: aborted }), isOfKind("CallCancelled"));
});

test("a call that is over leaves nothing at its signal", async (t) => {
  const [client] = await noted(t);
  const { signal } = new AbortController();
  await client.digitalTwins.getDigitalTwin({}, { signal });
  assert.equal(getEventListeners(signal, "abort").length, 0);
  client.close();
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { signal }));
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("closing the client ends calls in flight, and those to come", async (t) => {
  const [client, context] = await hanging(t);
  const call = client.digitalTwins.getDigitalTwin({});
  await context;
  client.close();
  await assert.rejects(call, isOfKind("CallCancelled"));
  await assert.rejects(client.digitalTwins.getDigitalTwin({}), isOfKind("CallCancelled"));
});

test("the token is asked for at each call", async (t) => {
  const tokens = ["first", "second"];
  const [client, contexts] = await noted(t, { insecure: true, token: async () => tokens.shift() ?? "not a token" });
  await client.digitalTwins.getDigitalTwin({});
  await client.digitalTwins.getDigitalTwin({}, { headers: { authorization: "another" } });
  await assert.rejects(client.digitalTwins.getDigitalTwin({}), isOfKind("Unauthenticated"));
  const came = contexts.map((context) => context.requestHeader.get("authorization"));
  assert.deepEqual(came, ["Bearer first", "Bearer second"]);
});

test("a token that does not come fails the call", async (t) => {
  const fails = await noted(t, { insecure: true, token: () => Promise.reject(new Error("the issuer is down")) });
  await assert.rejects(fails[0].digitalTwins.getDigitalTwin({}), isOfKind("Unauthenticated"));
  let asked: AbortSignal | undefined;
  const token = (signal: AbortSignal) => {
    asked = signal;
    return new Promise<string>(() => {});
  };
  const [client] = await noted(t, { insecure: true, token });
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { timeoutMs: 50 }), isOfKind("DeadlineExceeded"));
  assert(asked?.aborted);
});

test("the server is told who calls", async (t) => {
  const [client, contexts] = await noted(t);
  await client.digitalTwins.getDigitalTwin({});
  assert.equal(contexts[0]?.requestHeader.get("user-agent"), `twinfront-typescript/${VERSION}`);
});

test("an error has the id under which the server logged the call", async (t) => {
  const getDigitalTwin = () => {
    throw new ConnectError("No.", Code.NotFound, { "twinfront-call-id": "r1" });
  };
  const client = await serve(t, { twins: { getDigitalTwin } });
  await assert.rejects(client.digitalTwins.getDigitalTwin({}), (error) => {
    assert(isTwinfrontError(error));
    assert.equal(String(error), "[NOT_FOUND] No. (call id r1)");
    return error.kind === "NotFound" && error.callId === "r1" && error.cause instanceof ConnectError;
  });
});

test("leaving the loop over a stream ends the call", async (t) => {
  let context: HandlerContext | undefined;
  async function* streamQueryTwins(_: unknown, called: HandlerContext) {
    context = called;
    for (;;) {
      yield { rows: [{}], resumeToken: "a" };
    }
  }
  const client = await serve(t, { queries: { streamQueryTwins } });
  const { signal } = new AbortController();
  for await (const _ of client.queries.streamQueryTwins({ query: "SELECT" }, { signal })) {
    break;
  }
  assert(context);
  assert(context.signal.aborted || (await once(context.signal, "abort")));
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("as many calls at once as one likes are no leak of listeners, neither of the client nor of a signal", async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  const [client] = await noted(t);
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 50 }, () => client.digitalTwins.getDigitalTwin({}, { signal })));
  await new Promise(setImmediate); // warnings come a tick later
  assert.deepEqual(warnings, []);
});

test("a deadline that no timer can hold, or no header can tell, ends no call", async (t) => {
  const [client, contexts] = await noted(t);
  for (const timeoutMs of [100_000_000, 2 ** 31 - 1, 2 ** 31, 1e12, Number.POSITIVE_INFINITY]) {
    await client.digitalTwins.getDigitalTwin({}, { timeoutMs });
  }
  assert.deepEqual(
    contexts.map((context) => context.timeoutMs()),
    Array.from({ length: 5 }, () => undefined),
  );
});
