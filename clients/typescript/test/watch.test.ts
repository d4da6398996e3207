import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { test } from "node:test";

import { type Kind, type TwinfrontClient, watch, type WatchItem } from "../src/index.js";
import {
  changes,
  Changes,
  checkpoint,
  deleted,
  relationship,
  reset,
  state,
  stateEnd,
  TIME,
  twin,
  updated,
} from "./changes.js";
import { isOfKind } from "./kinds.js";
import { refusal } from "./serving.js";

/** The first items of a watch, each in a word. */
async function told(client: TwinfrontClient, count: number, request = {}): Promise<WatchItem[]> {
  const items: WatchItem[] = [];
  for await (const item of watch(client, request)) {
    if (items.push(item) === count) {
      break;
    }
  }
  return items;
}

function word(item: WatchItem): string {
  return item.case === "change" || item.case === "digitalTwin" || item.case === "relationship"
    ? item.value.id
    : item.case;
}

const broken = (): ConnectError => new ConnectError("lost", Code.Unavailable);

test("a watch tells every kind of item, and only the last of a message has its token", async (t) => {
  const server = new Changes([
    {
      messages: [
        state("1", [twin("a", 1)], [relationship("a", "r", "b")]),
        stateEnd("2"),
        changes("3", updated("c1", twin("a", 2)), deleted("c2", twin("a", 2))),
        checkpoint("4"),
        reset("5"),
      ],
      end: "open",
    },
  ]);
  const items = await told(await server.serve(t), 7);
  assert.deepEqual(items.map(word), ["a", "r", "initialStateEnd", "c1", "c2", "checkpoint", "reset"]);
  assert.deepEqual(
    items.map(({ resumeToken }) => resumeToken),
    ["", "1", "2", "2", "3", "4", "5"],
  );
});

const ENDS: { readonly [name: string]: () => ConnectError | undefined } = {
  drained: () => refusal("SERVER_DRAINING"),
  "not read": () => refusal("STREAM_NOT_READ"),
  broken,
  "ended with OK": () => undefined,
};
for (const [name, end] of Object.entries(ENDS)) {
  test(`a watch goes on behind the last message when its stream is ${name}`, async (t) => {
    const numbers = [...Array(7).keys()];
    const server = new Changes(
      numbers.map((number) => {
        const error = end();
        return {
          messages: [changes(String(number), updated(`c${number}`, twin("a", number)))],
          ...(error ? { end: error } : {}),
        };
      }),
    );
    const items = await told(await server.serve(t), 7, { startTime: TIME });
    assert.deepEqual(
      items.map(word),
      numbers.map((number) => `c${number}`),
    );
    assert.deepEqual(server.tokens, ["", ...numbers.slice(0, -1).map(String)]);
    assert.deepEqual(
      server.requests.map(({ startTime }) => startTime !== undefined),
      numbers.map((number) => number === 0),
    );
  });
}

test("a change that comes again is told once, but behind a reset it is told again", async (t) => {
  const [one, two] = [updated("c1", twin("a", 1)), updated("c2", twin("a", 2))];
  const server = new Changes([
    { messages: [changes("1", one)], end: broken() },
    { messages: [changes("2", one, two), reset("3"), changes("4", two)], end: "open" },
  ]);
  assert.deepEqual((await told(await server.serve(t), 4)).map(word), ["c1", "c2", "reset", "c2"]);
});

for (const [name, stream] of Object.entries({
  "brings nothing": () => ({}),
  "is led nowhere": () => ({ messages: [checkpoint("1")], end: broken() }),
})) {
  test(`a watch that ${name} is given up`, async (t) => {
    const server = new Changes([...Array(20)].map(stream));
    await assert.rejects(told(await server.serve(t), 30), isOfKind("Unavailable"));
    assert.ok(server.requests.length <= 6, `${server.requests.length} streams`);
  });
}

const FINAL: [Kind, ConnectError][] = [
  ["ChangesExpired", refusal("CHANGES_EXPIRED", Code.OutOfRange)],
  ["ResumeTokenInvalid", refusal("RESUME_TOKEN_INVALID", Code.InvalidArgument)],
  ["ChangesUnsupported", refusal("CHANGES_UNSUPPORTED", Code.Unimplemented)],
];
for (const [kind, end] of FINAL) {
  test(`a watch that cannot go on says why: ${kind}`, async (t) => {
    const server = new Changes([{ end }]);
    await assert.rejects(told(await server.serve(t), 1), isOfKind(kind));
    assert.equal(server.requests.length, 1);
  });
}

test("a message without a token is an answer that cannot be read", async (t) => {
  const server = new Changes([{ messages: [checkpoint("")], end: "open" }]);
  await assert.rejects(told(await server.serve(t), 1), isOfKind("Twinfront"));
});

test("its signal ends a watch", async (t) => {
  const aborting = new AbortController();
  const client = await new Changes([{ messages: [checkpoint("1")], end: "open" }]).serve(t);
  const reading = async () => {
    for await (const _ of watch(client, {}, { signal: aborting.signal })) {
      aborting.abort();
    }
  };
  await assert.rejects(reading(), isOfKind("CallCancelled"));
});

test("without retry a watch ends with its stream", async (t) => {
  const server = new Changes([{ messages: [checkpoint("1")] }]);
  assert.deepEqual((await told(await server.serve(t, { retry: false }), 2)).map(word), ["checkpoint"]);
  assert.equal(server.requests.length, 1);
});
