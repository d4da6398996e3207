import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { ChangeKind, ChangeSchema } from "../src/gen/twinfront/v1/change_service_pb.js";
import { isDigitalTwin, type Resource, TwinCache, type TwinCacheOptions, type TwinfrontClient } from "../src/index.js";
import {
  bare,
  changes,
  Changes,
  checkpoint,
  deleted,
  LATER,
  MEETING_ROOM,
  relationship,
  reset,
  ROOM,
  state,
  stateEnd,
  type Stream,
  twin,
  updated,
} from "./changes.js";
import { isOfKind } from "./kinds.js";
import { refusal } from "./serving.js";

const STATE = () => [state("s1", [twin("a", 1), twin("b", 1)]), stateEnd("s2")];
const open = (...messages: NonNullable<Stream["messages"]>): Stream => ({
  messages: [...STATE(), ...messages],
  end: "open",
});

/** What callbacks are told, as `+a`, `a 1>2` and `-a`. */
function telling(): [string[], TwinCacheOptions] {
  const told: string[] = [];
  return [
    told,
    {
      added: (after) => void told.push(`+${after.id}`),
      changed: (before, after) => void told.push(`${after.id} ${before.etag}>${after.etag}`),
      removed: (before) => void told.push(`-${before.id}`),
    },
  ];
}

/** A cache that is closed when the test has ended. */
function begun(t: TestContext, client: TwinfrontClient, options: TwinCacheOptions = {}): TwinCache {
  const cache = new TwinCache(client, options).start();
  t.after(() => cache.close());
  return cache;
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !holds(); await sleep(5)) {
    assert.ok(performance.now() < end, "what had to come has not come");
  }
}

const ids = (resources: readonly Resource[]) => resources.map(({ id }) => id);

test("a cache shows the state and then what changes", async (t) => {
  const [told, options] = telling();
  const server = new Changes([
    open(
      changes("1", updated("c1", twin("c", 1)), updated("c2", twin("a", 2))),
      changes("2", deleted("c3", twin("b", 1))),
    ),
  ]);
  const cache = begun(t, await server.serve(t), options);
  await cache.synced(AbortSignal.timeout(20_000));
  await until(() => told.length === 5);
  assert.deepEqual(told, ["+a", "+b", "+c", "a 1>2", "-b"]);
  assert.deepEqual(ids(cache.list()), ["a", "c"]);
  assert.deepEqual([cache.size, cache.get("a")?.etag, cache.get("b"), cache.isSynced], [2, "2", undefined, true]);
  assert.equal(server.requests[0]?.filter?.kinds.length, 3);
});

test("twins are found by model with its descendants, by prefix and by value", async (t) => {
  const meeting = twin("room-1", 1, { flag: true });
  meeting.modelId = MEETING_ROOM;
  const server = new Changes([
    { messages: [state("s1", [twin("room-2", 2), meeting, twin("hall", 1)]), stateEnd("s2")], end: "open" },
  ]);
  const cache = begun(t, await server.serve(t), { indexed: ["/n", "/flag"] });
  await cache.synced();
  assert.deepEqual(ids(cache.list({ modelId: ROOM })), ["hall", "room-1", "room-2"]);
  assert.deepEqual(ids(cache.list({ modelId: MEETING_ROOM })), ["room-1"]);
  assert.deepEqual(ids(cache.list({ modelId: ROOM, prefix: "room-" })), ["room-1", "room-2"]);
  assert.deepEqual(cache.list({ modelId: "dtmi:example:Other;1" }), []);
  assert.deepEqual(ids(cache.find("/n", 1)), ["hall", "room-1"]);
  assert.deepEqual([cache.find("/n", true), cache.find("/n", "1")], [[], []]);
  assert.deepEqual(ids(cache.find("/flag", true)), ["room-1"]);
  assert.throws(() => cache.find("/m", 1), RangeError);
  assert.equal(server.askedModels.length, 1);
});

test("relationships are found from both ends, and go with a twin that leaves", async (t) => {
  const [told, options] = telling();
  const server = new Changes([
    {
      messages: [state("s1", [twin("a", 1), twin("b", 1)], [relationship("a", "r", "b")]), stateEnd("s2")],
      end: new ConnectError("lost", Code.Unavailable),
    },
    { messages: [changes("1", bare(deleted("c1", twin("a", 1))))], end: "open" },
  ]);
  const seen: (readonly string[])[] = [];
  const cache = begun(t, await server.serve(t), {
    ...options,
    relationships: true,
    added: async (after) => {
      await options.added?.(after);
      if (!isDigitalTwin(after)) {
        seen.push(ids(cache.relationships("a")), ids(cache.incomingRelationships("b")));
      }
    },
  });
  await until(() => told.length === 5);
  assert.deepEqual(told, ["+a", "+b", "+r", "-r", "-a"]);
  assert.deepEqual(seen, [["r"], ["r"]]);
  assert.deepEqual([cache.getRelationship("a", "r"), cache.incomingRelationships("b")], [undefined, []]);
});

for (const [forThisCaller, gone] of [
  [true, ["-r", "-back", "-a"]],
  [false, ["-r", "-a"]],
] as const) {
  test(`with a twin that leaves go those that point to it: ${forThisCaller}, as the server says`, async (t) => {
    const [told, options] = telling();
    const left = deleted("c1", twin("a", 1));
    left.incomingRelationshipsLeft = forThisCaller;
    const relationships = [relationship("a", "r", "b"), relationship("b", "back", "a")];
    const messages = [state("s1", [twin("a", 1), twin("b", 1)], relationships), stateEnd("s2"), changes("1", left)];
    const server = new Changes([{ messages, end: "open" }]);
    begun(t, await server.serve(t), { ...options, relationships: true });
    await until(() => told.includes("-a"));
    assert.deepEqual(told, ["+a", "+b", "+r", "+back", ...gone]);
  });
}

test("what is gone is told relationships first, in the order of ids", async (t) => {
  const graph = [
    state("s1", [twin("b", 1), twin("a", 1)], [relationship("b", "r", "a"), relationship("a", "back", "b")]),
    stateEnd("s2"),
  ];
  const left = { ...deleted("c1", twin("b", 1)), incomingRelationshipsLeft: true };
  for (const [messages, gone] of [
    [[changes("1", left)], ["-back", "-r", "-b"]],
    [
      [reset("r1"), stateEnd("r2")],
      ["-back", "-r", "-a", "-b"],
    ],
  ] as const) {
    const [told, options] = telling();
    const server = new Changes([{ messages: [...graph, ...messages], end: "open" }]);
    begun(t, await server.serve(t), { ...options, relationships: true });
    await until(() => told.includes("-b"));
    assert.deepEqual(told.slice(4), gone);
  }
});

test("with a relationship that is deleted goes no other one", async (t) => {
  const [told, options] = telling();
  const deletion = create(ChangeSchema, {
    id: "c1",
    kind: ChangeKind.RELATIONSHIP_DELETED,
    digitalTwinId: "a",
    relationshipId: "r",
    incomingRelationshipsLeft: true,
  });
  const relationships = [relationship("a", "r", "b"), relationship("b", "back", "a")];
  const messages = [state("s1", [twin("a", 1), twin("b", 1)], relationships), stateEnd("s2"), changes("1", deletion)];
  const server = new Changes([{ messages: [...messages, changes("2", updated("c2", twin("a", 2)))], end: "open" }]);
  begun(t, await server.serve(t), { ...options, relationships: true });
  await until(() => told.includes("a 1>2"));
  assert.deepEqual(told.slice(4), ["-r", "a 1>2"]);
});

test("models that are gone or hidden are no reason to end", async (t) => {
  const gone = twin("b", 1);
  gone.modelId = "dtmi:example:Gone;1";
  const server = new Changes([{ messages: [state("s1", [twin("a", 1), gone]), stateEnd("s2")], end: "open" }]);
  const cache = begun(t, await server.serve(t));
  await cache.synced();
  assert.deepEqual(ids(cache.list({ modelId: gone.modelId })), ["b"]);
  const hiding = new Changes([open()]);
  hiding.bases = undefined;
  const other = begun(t, await hiding.serve(t));
  await other.synced();
  assert.equal(other.list().length, 2);
  assert.throws(() => other.list({ modelId: ROOM }), isOfKind("PermissionDenied"));
});

test("behind a reset only what is another is told, over a break as well", async (t) => {
  const [told, options] = telling();
  const server = new Changes([
    { messages: [...STATE(), reset("r1"), state("r2", [twin("a", 1)])], end: refusal("SERVER_DRAINING") },
    { messages: [state("r3", [twin("c", 1)]), stateEnd("r4")], end: "open" },
  ]);
  begun(t, await server.serve(t), options);
  await until(() => told.length === 4);
  assert.deepEqual(told, ["+a", "+b", "+c", "-b"]);
});

test("what is created while the state is told is part of it", async (t) => {
  const [told, options] = telling();
  const server = new Changes([
    {
      messages: [
        state("s1", [twin("b", 1)]),
        changes("s2", updated("c1", twin("a", 1))),
        stateEnd("s3"),
        changes("1", updated("c2", twin("a", 2))),
      ],
      end: "open",
    },
  ]);
  begun(t, await server.serve(t), options);
  await until(() => told.length >= 3);
  assert.deepEqual(told, ["+b", "+a", "a 1>2"]);
});

test("behind a reset a model may be another one", async (t) => {
  const meeting = (version: number) => ({ ...twin("a", version), modelId: MEETING_ROOM });
  const server = new Changes([
    { messages: [state("s1", [meeting(1)]), stateEnd("s2")], end: new ConnectError("lost", Code.Unavailable) },
    { messages: [reset("r1"), state("r2", [meeting(2)]), stateEnd("r3")], end: "open" },
  ]);
  const seen: number[] = [];
  const look = () => void seen.push(cache.list({ modelId: ROOM }).length);
  const cache = begun(t, await server.serve(t), {
    added: () => {
      look();
      server.bases = { [MEETING_ROOM]: [] };
    },
    changed: look,
  });
  await until(() => seen.length === 2);
  assert.deepEqual(seen, [1, 0]);
});

test("what is known already is not told again", async (t) => {
  const [told, options] = telling();
  const server = new Changes([
    open(
      changes(
        "1",
        { ...updated("c1", twin("a", 0)), etag: "" }, // the twin's time says that it is in the state
        updated("c2", twin("a", 1)),
        bare(updated("c3", twin("b", 7))), // gone by then
        updated("c4", twin("a", 3)),
      ),
    ),
  ]);
  begun(t, await server.serve(t), options);
  await until(() => told.length === 3);
  assert.deepEqual(told, ["+a", "+b", "a 1>3"]);
});

test("without etags of changes the time of a twin says what it has in it already", async (t) => {
  const [told, options] = telling();
  const at = (seconds: bigint, nanos: number) => create(TimestampSchema, { seconds, nanos });
  const before = at(99n, 999_999_900);
  const change = (id: string, version: number) => ({ ...updated(id, twin("a", version)), etag: "" });
  const messages = [
    state("s1", [{ ...twin("a", 1), lastUpdateTime: before }]),
    stateEnd("s2"),
    changes("1", { ...change("c1", 2), time: before }, { ...change("c2", 3), time: at(100n, 0) }),
    changes("2", updated("c3", twin("a", 4))),
  ];
  begun(t, await new Changes([{ messages, end: "open" }]).serve(t), options);
  await until(() => told.length === 3);
  assert.deepEqual(told, ["+a", "a 1>3", "a 3>4"]);
});

test("a token that is no longer good has the state read anew", async (t) => {
  const [told, options] = telling();
  const server = new Changes([
    { messages: STATE(), end: refusal("RESUME_TOKEN_INVALID", Code.InvalidArgument) },
    { messages: [state("s1", [twin("a", 1)]), stateEnd("s2")], end: "open" },
  ]);
  begun(t, await server.serve(t), options);
  await until(() => told.length === 3);
  assert.deepEqual(
    [told, server.tokens],
    [
      ["+a", "+b", "-b"],
      ["", ""],
    ],
  );
});

test("a cache that cannot be followed ends and says why", async (t) => {
  const server = new Changes([{ end: refusal("CHANGES_UNSUPPORTED", Code.Unimplemented) }]);
  const cache = begun(t, await server.serve(t));
  await assert.rejects(cache.synced(), isOfKind("ChangesUnsupported"));
  assert.ok(cache.error);
});

test("an error is shown while it lasts, and waiting ends with its signal", async (t) => {
  const failing = () => ({ end: refusal("INTERNAL", Code.Internal) });
  const server = new Changes([failing(), failing(), failing(), failing(), open()]);
  const cache = begun(t, await server.serve(t));
  await assert.rejects(cache.synced(AbortSignal.timeout(1)), { name: "TimeoutError" });
  await until(() => cache.error !== undefined);
  await cache.synced();
  await until(() => cache.error === undefined);
});

test("a cache goes on from what was saved, and is told what it has missed", async (t) => {
  const server = new Changes([open()]);
  server.log = { newestTime: LATER };
  const client = await server.serve(t);
  const first = begun(t, client);
  await first.synced();
  await until(() => (JSON.parse(first.save()) as { resumeToken: string }).resumeToken === "s2");
  await first.close();
  server.streams = [{ messages: [changes("1", updated("c1", twin("a", 2))), checkpoint("2", LATER)], end: "open" }];
  const [told, options] = telling();
  const second = begun(t, client, { ...options, saved: first.save(), indexed: ["/n"] });
  assert.deepEqual(ids(second.list()), ["a", "b"]);
  await second.synced();
  assert.deepEqual([told, server.tokens], [["a 1>2"], ["", "s2"]]);
  assert.deepEqual(ids(second.find("/n", 1)), ["b"]);
});

test("what is saved within a message is told once after the restart", async (t) => {
  const message = changes("1", ...[2, 3, 4].map((version) => updated(`c${version}`, twin("a", version))));
  const server = new Changes([open(message)]);
  const client = await server.serve(t);
  let saved = "";
  const first = begun(t, client, {
    changed: (_, after) => {
      saved = after.etag === "3" ? first.save() : saved;
    },
  });
  await until(() => first.get("a")?.etag === "4");
  await first.close();
  server.streams = [{ messages: [message], end: "open" }];
  const [told, options] = telling();
  begun(t, client, { ...options, saved });
  await until(() => told.length === 2);
  assert.deepEqual(told, ["a 2>3", "a 3>4"]);
});

test("what is saved while a state ends is compared with the whole state", async (t) => {
  const anew = [state("r2", [twin("a", 1)]), stateEnd("r3")];
  const server = new Changes([open(reset("r1"), ...anew)]);
  const client = await server.serve(t);
  let saved = "";
  const first = begun(t, client, { removed: () => void (saved = first.save()) });
  await until(() => saved !== "");
  await first.close();
  server.streams = [{ messages: anew, end: "open" }];
  const [told, options] = telling();
  const again = begun(t, client, { ...options, saved });
  await again.synced();
  assert.deepEqual([ids(again.list()), told], [["a"], ["-b"]]);
});

test("what was not saved by a cache is refused", async (t) => {
  const client = await new Changes([]).serve(t);
  for (const saved of ["", "null", "[]", "{}", '{"version": 99}']) {
    assert.throws(() => new TwinCache(client, { saved }), Error);
  }
});

test("a callback that fails is written to the console, and the cache goes on", async (t) => {
  const written = t.mock.method(console, "error", () => {});
  const server = new Changes([open()]);
  const cache = begun(t, await server.serve(t), {
    added: () => {
      throw new Error("no room");
    },
  });
  await cache.synced();
  assert.deepEqual([cache.size, written.mock.callCount()], [2, 2]);
});

test("a cache that is closed ends, wherever it is", async (t) => {
  const lost = () => ({ end: new ConnectError("lost", Code.Unavailable) });
  const client = await new Changes([open(), ...[...Array(50)].map(lost)]).serve(t);
  const following = begun(t, client);
  await following.synced();
  await following.close();
  const pausing = begun(t, client);
  await sleep(100);
  await pausing.close();
});
