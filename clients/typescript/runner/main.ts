/**
 * Executes the scenarios that all clients have in common, and prints a line of JSON for each step: see
 * clients/scenarios/README.md.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { TwinfrontClient } from "../src/index.js";
import { Scene, type Step } from "./scene.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    ["address", "ca", "cert", "key", "server-name", "token"].map((name) => [name, { type: "string" as const }]),
  ),
});
const option = (name: string) => values[name] as string | undefined;
const given = { ca: option("ca"), cert: option("cert"), key: option("key"), serverName: option("server-name") };
const tls = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
const token = option("token");
const client = new TwinfrontClient(option("address") ?? "localhost:50051", {
  tls: given.ca === undefined ? false : tls,
  insecure: given.ca === undefined && token !== undefined,
  ...(token === undefined ? {} : { token }),
});
const file = JSON.parse(readFileSync(positionals[0] ?? "", "utf8")) as { scenarios: { name: string; steps: Step[] }[] };
for (const { name, steps } of file.scenarios) {
  const scene = new Scene(client);
  for (const [number, step] of steps.entries()) {
    console.log(JSON.stringify({ scenario: name, step: number, ...(await scene.line(step)) }));
  }
}
client.close();
