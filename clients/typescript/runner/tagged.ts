import type { JsonValue } from "@bufbuild/protobuf";

import type { PlainValue } from "../src/index.js";

/** Native values of JSON in which numbers are tagged: `{"$int": "1"}`, `{"$double": "1.5"}`. */
export function untagged(value: JsonValue): unknown {
  if (Array.isArray(value)) {
    return value.map(untagged);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (typeof value.$int === "string") {
    const integer = BigInt(value.$int);
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
  }
  if (typeof value.$double === "string") {
    return Number(value.$double);
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, untagged(member)]));
}

/** The other way round; a double without a fraction is no more to be told from an integer. */
export function tagged(value: PlainValue): unknown {
  switch (typeof value) {
    case "bigint":
      return { $int: String(value) };
    case "number":
      return Number.isInteger(value) ? { $int: String(value) } : { $double: String(value) };
    case "object":
      if (Array.isArray(value)) {
        return value.map(tagged);
      }
      return value && Object.fromEntries(Object.entries(value).map(([name, member]) => [name, tagged(member)]));
    default:
      return value;
  }
}
