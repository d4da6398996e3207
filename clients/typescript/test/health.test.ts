import { Code, type ServiceImpl } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Health, HealthCheckResponse_ServingStatus as Status } from "../src/gen/grpc/health/v1/health_pb.js";
import { TwinfrontClient } from "../src/index.js";
import { adapter, refusal } from "./serving.js";

type Watch = NonNullable<Partial<ServiceImpl<typeof Health>>["watch"]>;

/** Says how a server is, and goes on watching. */
const says = (status: Status): Watch =>
  async function* (_, { signal }) {
    yield { status };
    await once(signal, "abort").catch(() => {});
  };
/** Says that a server does not serve, and watches no longer. */
const stops: Watch = async function* () {
  yield { status: Status.NOT_SERVING };
};
const cannotSay: Watch = async function* () {
  throw refusal("", Code.Unimplemented);
};

/** A client of servers, by what each says when its health is watched: the first time, the second, and so on. */
async function clientOf(t: TestContext, ...health: Watch[][]): Promise<[TwinfrontClient, number[]]> {
  const called: number[] = [];
  const targets = [];
  for (const [number, watches] of health.entries()) {
    const twins = { getDigitalTwin: () => (called.push(number), {}) };
    const watch: Watch = (request, context) => {
      assert.equal(request.service, "twinfront.server");
      return (watches.shift() ?? says(Status.SERVING))(request, context);
    };
    const server = createServer(adapter({ twins, health: { watch } })).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    targets.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  const client = new TwinfrontClient(targets);
  t.after(() => client.close());
  return [client, called];
}

/** Reads until the latest calls went to servers in a way, for 20 seconds at the most. */
async function readUntil(client: TwinfrontClient, called: number[], isSo: (latest: number[]) => boolean) {
  const begun = performance.now();
  do {
    assert(performance.now() - begun < 20_000, `calls went to ${called.slice(-10).join()}`);
    await client.digitalTwins.getDigitalTwin({});
    await pause(20);
  } while (called.length < 10 || !isSo(called.slice(-10)));
}

const allToSecond = (latest: number[]) => latest.every((number) => number === 1);
const inTurns = (latest: number[]) => latest.slice(1).every((number, index) => number !== latest[index]);

test("calls go to healthy servers in turns", async (t) => {
  await readUntil(...(await clientOf(t, [], [])), inTurns);
});

test("a server that does not serve is left out", async (t) => {
  await readUntil(...(await clientOf(t, [says(Status.NOT_SERVING)], [])), allToSecond);
});

test("a server that knows no such name is left out", async (t) => {
  await readUntil(...(await clientOf(t, [says(Status.SERVICE_UNKNOWN)], [])), allToSecond);
});

test("a server that came back is called again", async (t) => {
  const [client, called] = await clientOf(t, [stops], []);
  await readUntil(client, called, allToSecond);
  await readUntil(client, called, inTurns);
});

for (const [name, watch] of Object.entries({
  "cannot be asked": cannotSay,
  "do not serve": says(Status.NOT_SERVING),
})) {
  test(`where all servers ${name} all are called`, async (t) => {
    const [client, called] = await clientOf(t, [watch], [watch]);
    await readUntil(client, called, inTurns);
    await pause(100);
    await readUntil(client, called, inTurns);
  });
}

test("a single server is not asked", async (t) => {
  const asked: Watch = async function* () {
    assert.fail("it is asked");
  };
  const [client, called] = await clientOf(t, [asked]);
  await readUntil(client, called, (latest) => latest.length === 10);
});

test("a client that is closed watches no longer", async (t) => {
  let watching = 0;
  const counts: Watch = async function* (request, context) {
    watching++;
    yield* says(Status.SERVING)(request, context);
    watching--;
  };
  const [client, called] = await clientOf(t, [counts], [counts]);
  await readUntil(client, called, () => watching === 2);
  client.close();
  while (watching > 0) {
    await pause(10);
  }
});
