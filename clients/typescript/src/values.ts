import { create, isMessage } from "@bufbuild/protobuf";
import { NullValue } from "@bufbuild/protobuf/wkt";

import { type Value, ValueSchema } from "./gen/twinfront/v1/value_pb.js";
import { pointer } from "./pointer.js";

/**
 * A value of a property. An integer is a `number` if that is sure to hold it exactly (`Number.isSafeInteger`), and a
 * `bigint` beyond.
 */
export type PlainValue = null | boolean | number | bigint | string | PlainValue[] | { [name: string]: PlainValue };

/** A value that cannot be sent; `path` is the JSON Pointer to the part that is wrong, empty for the value itself. */
export class ValueError extends TypeError {
  override readonly name = "ValueError";

  constructor(
    readonly path: string,
    problem: string,
  ) {
    super(`the value${path && ` at ${path}`} ${problem}`);
  }
}

/**
 * How many messages may be in one another in a value: protobuf reads 100, and the value is in some of the request's. A
 * list is one in a value, an object one in a value with an entry in it.
 */
const MAX_LEVELS = 96;
const LIST_LEVELS = 2;
const OBJECT_LEVELS = 3;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * The value as it travels: `null`, a boolean, number, bigint, string, array or plain object. A `Value` message stays as
 * it is.
 *
 * A `bigint` is sent as an integer, and so is a `number` that is a safe integer; any other `number` is sent as a double.
 * Since JavaScript does not tell 20 from 20.0, a double without a fraction is sent as an integer, which the service takes
 * where a model says double; `create(ValueSchema, …)` makes a double of it all the same.
 *
 * @throws ValueError for NaN, the infinities, integers beyond 64 bits, text that is not Unicode, what is nested too
 * deeply to travel (in more than 48 lists or 32 objects), and what is no JSON: `undefined`, functions, dates and other
 * objects with a class.
 */
export function toValue(value: unknown): Value {
  return convert(value, "", 0);
}

/** {@link toValue} for the properties of a twin, component or relationship. */
export function toValues(properties: { readonly [name: string]: unknown }): { [name: string]: Value } {
  return convertMembers(properties, "", 0);
}

/**
 * The plain value. An integer becomes a `number` if it is a safe one (up to 2^53 - 1), and a `bigint` beyond, so that none
 * ever loses a digit; a double becomes a `number`, 20.0 the number 20.
 */
export function fromValue(value: Value): PlainValue {
  switch (value.kind.case) {
    case "intValue": {
      const integer = value.kind.value;
      return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
    }
    case "boolValue":
    case "doubleValue":
    case "stringValue":
      return value.kind.value;
    case "listValue":
      return value.kind.value.values.map(fromValue);
    case "objectValue":
      return fromValues(value.kind.value.fields);
    default:
      return null;
  }
}

/** {@link fromValue} for properties, and for the columns of a query's row. */
export function fromValues(values: { readonly [name: string]: Value }): { [name: string]: PlainValue } {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fromValue(value)]));
}

/**
 * The value as a number, whether it travels as an integer or a double: a `double` property that somebody set to `20` comes as an integer.
 *
 * @returns `undefined` for a value that is no number, or is absent.
 */
export function asDouble(value: Value | undefined): number | undefined {
  switch (value?.kind.case) {
    case "intValue":
      return Number(value.kind.value);
    case "doubleValue":
      return value.kind.value;
    default:
      return undefined;
  }
}

function convert(value: unknown, path: string, levels: number): Value {
  if (levels > MAX_LEVELS) {
    throw new ValueError(path, "is nested too deeply, or contains itself");
  }
  switch (typeof value) {
    case "boolean":
      return create(ValueSchema, { kind: { case: "boolValue", value } });
    case "bigint":
      if (value < INT64_MIN || value > INT64_MAX) {
        throw new ValueError(path, `is ${value}, beyond the 64 bits of a DTDL long`);
      }
      return create(ValueSchema, { kind: { case: "intValue", value } });
    case "number":
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        return create(ValueSchema, { kind: { case: "intValue", value: BigInt(value) } });
      }
      if (!Number.isFinite(value)) {
        throw new ValueError(path, `is ${value}, which JSON has no form for`);
      }
      return create(ValueSchema, { kind: { case: "doubleValue", value } });
    case "string":
      if (!isUnicode(value)) {
        throw new ValueError(path, "has half a surrogate pair in it, which is not Unicode");
      }
      return create(ValueSchema, { kind: { case: "stringValue", value } });
    case "object":
      if (value === null) {
        return create(ValueSchema, { kind: { case: "nullValue", value: NullValue.NULL_VALUE } });
      }
      if (isMessage(value, ValueSchema)) {
        return value;
      }
      if (Array.isArray(value)) {
        const values = Array.from(value, (item, index) => convert(item, `${path}/${index}`, levels + LIST_LEVELS));
        return create(ValueSchema, { kind: { case: "listValue", value: { values } } });
      }
      if (!isMessage(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) {
        const fields = convertMembers(value as { [name: string]: unknown }, path, levels + OBJECT_LEVELS);
        return create(ValueSchema, { kind: { case: "objectValue", value: { fields } } });
      }
  }
  throw new ValueError(path, `is ${description(value)}, which is no JSON value`);
}

function convertMembers(members: { readonly [name: string]: unknown }, path: string, levels: number) {
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => {
      if (!isUnicode(name)) {
        throw new ValueError(path, "has a name with half a surrogate pair in it, which is not Unicode");
      }
      return [name, convert(member, path + pointer(name), levels)];
    }),
  );
}

function isUnicode(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function description(value: unknown): string {
  return value === undefined ? "undefined" : `a ${isMessage(value) ? value.$typeName : value?.constructor.name}`;
}
