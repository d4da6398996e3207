import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { UpdateDigitalTwinRequestSchema } from "../src/gen/twinfront/v1/digital_twin_service_pb.js";
import { isTwinfrontError, patch, TwinfrontClient } from "../src/index.js";
import { isOfKind } from "./kinds.js";
import { adapter, refusal, serve } from "./serving.js";

type Update = MessageInitShape<typeof UpdateDigitalTwinRequestSchema>;

const LOST = new ConnectError("The connection broke.", Code.Unavailable);

/** A client of a server whose updates fail one after the other so, and the request ids that came. */
async function failing(t: TestContext, ...failures: ConnectError[]): Promise<[TwinfrontClient, string[]]> {
  const ids: string[] = [];
  const updateDigitalTwin = ({ requestId }: { requestId: string }) => {
    ids.push(requestId);
    const failure = failures.shift();
    if (failure) {
      throw failure;
    }
    return { etag: "written" };
  };
  return [await serve(t, { twins: { updateDigitalTwin } }), ids];
}

const times = (count: number, failure: ConnectError) => Array.from({ length: count }, () => failure);

test("a write whose answer was lost is sent again under the same id, five times at the most", async (t) => {
  const [client, ids] = await failing(t, ...times(9, LOST));
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
  await client.digitalTwins.updateDigitalTwin({});
  assert.equal(ids.length, 10);
  assert.match(ids[0]!, /^[0-9a-f-]{36}$/);
  assert.deepEqual(
    ids.map((id) => ids.indexOf(id)),
    [0, 0, 0, 0, 0, 5, 5, 5, 5, 5],
  );
});

test("an error says how often the call was sent", async (t) => {
  let calls = 0;
  const lost = () => {
    calls++;
    throw LOST;
  };
  const twins = { getDigitalTwin: lost, updateDigitalTwin: lost, batchWriteDigitalTwins: lost };
  const { digitalTwins } = await serve(t, { twins });
  const sent = async (call: () => Promise<unknown>) => {
    const error: unknown = await call().catch((thrown: unknown) => thrown);
    assert(isTwinfrontError(error));
    return error.attempts;
  };
  assert.equal(await sent(() => digitalTwins.getDigitalTwin({})), 5);
  assert.equal(await sent(() => digitalTwins.updateDigitalTwin({})), 5);
  assert.equal(await sent(() => digitalTwins.batchWriteDigitalTwins({})), 1);
  assert.equal(calls, 11);
});

test("the id that a caller gives is kept, and the caller's request is not changed", async (t) => {
  const [client, ids] = await failing(t, LOST);
  await client.digitalTwins.updateDigitalTwin({ requestId: "order-4711" });
  const request: Update = {};
  await client.digitalTwins.updateDigitalTwin(request);
  assert.deepEqual(ids.slice(0, 2), ["order-4711", "order-4711"]);
  assert.deepEqual(request, {});
});

const ONCE: { readonly [what: string]: Update } = {
  "adds an element to an array": { patch: patch().add("/list/-", 1).operations },
  "takes an element out of an array": { patch: patch().remove("/list/0").operations },
};
for (const [what, request] of Object.entries(ONCE)) {
  test(`a write that ${what} is not sent again when its answer was lost`, async (t) => {
    const [client, ids] = await failing(t, LOST);
    await assert.rejects(client.digitalTwins.updateDigitalTwin(request), isOfKind("Unavailable"));
    assert.equal(ids.length, 1);
  });
}

test("a batch and a dry run get no id, and a batch is not sent again when its answer was lost", async (t) => {
  const ids: string[] = [];
  const lost = ({ requestId }: { requestId: string }) => {
    ids.push(requestId);
    throw LOST;
  };
  const client = await serve(t, { twins: { batchWriteDigitalTwins: lost, deleteDigitalTwin: lost } });
  await assert.rejects(client.digitalTwins.batchWriteDigitalTwins({}), isOfKind("Unavailable"));
  await assert.rejects(client.digitalTwins.deleteDigitalTwin({ validateOnly: true }), isOfKind("Unavailable"));
  assert.deepEqual(ids, ["", "", "", "", "", ""]);
});

test("what a write is refused with after its answer was lost may be its own doing, so the loss is told", async (t) => {
  const [client, ids] = await failing(t, LOST, refusal("ETAG_MISMATCH", Code.Aborted));
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
  assert.equal(ids.length, 2);
});

test("a refusal that the server marks as that of an earlier attempt is told", async (t) => {
  const replayed = refusal("ETAG_MISMATCH", Code.Aborted, { "twinfront-replayed": "true" });
  const [client] = await failing(t, LOST, replayed);
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("EtagMismatch"));
});

test("a write that a stopping server refused is sent again while there is time", async (t) => {
  const [client, ids] = await failing(t, ...times(8, refusal("SERVER_DRAINING")));
  await client.digitalTwins.updateDigitalTwin({});
  assert.equal(ids.length, 9);
});

test("a write ends at its deadline, however often it was sent", async (t) => {
  const [client, ids] = await failing(t, ...times(1000, refusal("SERVER_DRAINING")));
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}, { timeoutMs: 2000 }), isTwinfrontError);
  assert(ids.length > 1);
});

test("a write is sent again five times at the most while the upstream is away", async (t) => {
  const [client, ids] = await failing(t, ...times(5, refusal("UPSTREAM_UNAVAILABLE")));
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
  assert.equal(ids.length, 5);
});

test("a write that was throttled is sent again as the service config says", async (t) => {
  const throttled = new ConnectError("No.", Code.ResourceExhausted, { "grpc-retry-pushback-ms": "0" });
  const [client, ids] = await failing(t, ...times(5, throttled));
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("ResourceExhausted"));
  assert.equal(ids.length, 3);
});

test("a server that forbids another attempt is obeyed", async (t) => {
  const full = refusal("UPSTREAM_UNAVAILABLE", Code.Unavailable, { "grpc-retry-pushback-ms": "-1" });
  const [client, ids] = await failing(t, full);
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
  assert.equal(ids.length, 1);
});

test("a call that the server finds too late after a lost answer says so", async (t) => {
  const [client] = await failing(t, LOST, refusal("DEADLINE_EXCEEDED", Code.DeadlineExceeded));
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("DeadlineExceeded"));
});

test("without retry each call is sent once, and under no id", async (t) => {
  const ids: string[] = [];
  const updateDigitalTwin = ({ requestId }: { requestId: string }) => {
    ids.push(requestId);
    throw LOST;
  };
  const getDigitalTwin = () => updateDigitalTwin({ requestId: "" });
  const client = await serve(t, { twins: { updateDigitalTwin, getDigitalTwin } }, { retry: false });
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
  await assert.rejects(client.digitalTwins.getDigitalTwin({}), isOfKind("Unavailable"));
  assert.deepEqual(ids, ["", ""]);
});

async function listening(server: Http2Server, port = 0): Promise<string> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function counting(calls: number[], which: number): Http2Server {
  const updateDigitalTwin = () => {
    calls[which]!++;
    return { etag: "written" };
  };
  return createServer(adapter({ twins: { updateDigitalTwin } }));
}

test("calls go to all servers in turns, and past one that is not there", async (t) => {
  const calls = [0, 0];
  const servers = calls.map((_, which) => counting(calls, which));
  const gone = createServer();
  const targets = await Promise.all([...servers, gone].map((server) => listening(server)));
  gone.close();
  const client = new TwinfrontClient(targets);
  t.after(() => {
    client.close();
    servers.forEach((server) => server.close());
  });
  for (let call = 0; call < 20; call++) {
    await client.digitalTwins.updateDigitalTwin({});
  }
  assert.equal(calls[0]! + calls[1]!, 20);
  assert(Math.min(...calls) >= 5, `one server had ${Math.min(...calls)} calls of 20`);
});

test("a call that finds no connection waits for a server that was there before, and for no other", async (t) => {
  const calls = [0];
  const first = counting(calls, 0);
  const target = await listening(first);
  const sessions: { destroy(): void }[] = [];
  first.on("session", (session) => sessions.push(session));
  const client = new TwinfrontClient(target);
  t.after(() => client.close());
  await client.digitalTwins.updateDigitalTwin({});
  first.close();
  sessions.forEach((session) => session.destroy());
  await sleep(50); // the client has noticed
  const call = client.digitalTwins.updateDigitalTwin({ patch: patch().add("/list/-", 1).operations });
  const second = counting(calls, 0);
  t.after(() => second.close());
  setTimeout(() => listening(second, Number(target.split(":")[1])), 300);
  assert.equal((await call).etag, "written");
  assert.deepEqual(calls, [2]);
  const nobody = createServer();
  const nowhere = await listening(nobody);
  nobody.close();
  const lost = new TwinfrontClient(nowhere);
  t.after(() => lost.close());
  await assert.rejects(lost.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
});
