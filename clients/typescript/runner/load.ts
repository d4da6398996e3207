/**
 * Reads and writes all the time until its input ends, and prints what came of it: see clients/scenarios/README.md.
 */
import { readFile } from "node:fs/promises";
import { setInterval } from "node:timers";

import {
  fromStatus,
  importGraph,
  isTwinfrontError,
  items,
  patch,
  streamQuery,
  toValues,
  TwinfrontClient,
} from "../src/index.js";
import { clientOptions, words } from "./options.js";

const MODEL_ID = "dtmi:rolling:Counter;1";
const TWINS = 4;
const IMPORTED_TWINS = 100;
const READS_PER_STREAM = 10;
const REPORT_MS = 100;

const { option } = words();
const tokenFile = option("token");
const token = tokenFile === undefined ? undefined : async () => (await readFile(tokenFile, "utf8")).trim();
const targets = (option("address") ?? "localhost:50051").replace(/^ipv4:/, "").split(",");
const client = new TwinfrontClient(targets, clientOptions(option, token));
const acknowledged: Record<string, number> = {};
const failures: Record<string, number> = {};
let calls = 0;
let isStopped = false;

/** Counts up until a write fails, each time under the etag of the last: one done twice would be refused. */
async function write(digitalTwinId: string): Promise<void> {
  const digitalTwin = { modelId: MODEL_ID, properties: toValues({ total: 0 }) };
  const request = { digitalTwinId, digitalTwin, ifNoneMatch: "*" };
  let { etag } = await client.digitalTwins.createOrReplaceDigitalTwin(request);
  for (let total = 0; ; total++) {
    calls++;
    acknowledged[digitalTwinId] = total;
    if (isStopped) {
      return;
    }
    const { operations } = patch().replace("/total", total + 1);
    ({ etag } = await client.digitalTwins.updateDigitalTwin({ digitalTwinId, patch: operations, ifMatch: etag }));
  }
}

/** Imports its twins again and again, with a greater total each time. */
async function importAll(digitalTwinIds: readonly string[]): Promise<void> {
  for (let total = 0; !isStopped; total++) {
    const counters = digitalTwinIds.map((id) => {
      const digitalTwin = { id, modelId: MODEL_ID, properties: toValues({ total }) };
      return { item: { case: "digitalTwin" as const, value: digitalTwin } };
    });
    for await (const { results } of importGraph(client, counters, { failuresOnly: true })) {
      const error = fromStatus(results[0]?.status);
      if (error) {
        throw error;
      }
    }
    calls++;
    acknowledged[digitalTwinIds.at(-1)!] = total;
  }
}

async function read(digitalTwinId: string): Promise<void> {
  for (let number = 0; !isStopped; number++) {
    await noting(async () => {
      if (number % READS_PER_STREAM === 0) {
        await readAll(streamQuery(client, { query: "SELECT * FROM digitaltwins" }));
      } else if (number % 2 === 1 && digitalTwinId in acknowledged) {
        await client.digitalTwins.getDigitalTwin({ digitalTwinId });
      } else {
        await readAll(items(client.models.listModels, {}, ({ models }) => models));
      }
      calls++;
    });
  }
}

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

async function noting(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isTwinfrontError(error)) {
      throw error;
    }
    failures[String(error)] = (failures[String(error)] ?? 0) + 1;
  }
}

const twins = Array.from({ length: TWINS }, (_, number) => `${option("prefix")}-${number}`);
const imported = Array.from({ length: IMPORTED_TWINS }, (_, number) => `${option("prefix")}-import-${number}`);
const callers = [
  ...twins.flatMap((twin) => [noting(() => write(twin)), read(twin)]),
  noting(() => importAll(imported)),
];
const report = setInterval(() => console.log(JSON.stringify({ calls })), REPORT_MS);
process.stdin.resume().on("end", () => (isStopped = true));
await Promise.all(callers);
clearInterval(report);
console.log(JSON.stringify({ calls, failures, acknowledged }));
client.close();
