import { parseArgs } from "node:util";

import type { ClientOptions } from "../src/index.js";

const NAMES = ["address", "prefix", "ca", "cert", "key", "server-name", "token"] as const;

/** Looks an option up by its name. */
export type Option = (name: (typeof NAMES)[number]) => string | undefined;

/** The words that a program with a client was called with: its options, and those that are none. */
export function words(): { readonly option: Option; readonly others: readonly string[] } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(NAMES.map((name) => [name, { type: "string" as const }])),
  });
  return { option: (name) => values[name] as string | undefined, others: positionals };
}

/** How the options have the client connect. */
export function clientOptions(option: Option, token: ClientOptions["token"]): ClientOptions {
  const given = { ca: option("ca"), cert: option("cert"), key: option("key"), serverName: option("server-name") };
  const tls = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    tls: given.ca === undefined ? false : tls,
    insecure: given.ca === undefined && token !== undefined,
    ...(token === undefined ? {} : { token }),
  };
}
