/**
 * Executes the scenarios that all clients have in common, and prints a line of JSON for each step: see
 * clients/scenarios/README.md.
 */
import { readFileSync } from "node:fs";

import { TwinfrontClient } from "../src/index.js";
import { clientOptions, words } from "./options.js";
import { Scene, type Step } from "./scene.js";

const { option, others } = words();
const client = new TwinfrontClient(option("address") ?? "localhost:50051", clientOptions(option, option("token")));
const file = JSON.parse(readFileSync(others[0] ?? "", "utf8")) as { scenarios: { name: string; steps: Step[] }[] };
for (const { name, steps } of file.scenarios) {
  const scene = new Scene(client);
  for (const [number, step] of steps.entries()) {
    console.log(JSON.stringify({ scenario: name, step: number, ...(await scene.line(step)) }));
  }
}
client.close();
