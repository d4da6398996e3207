import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";

import { DigitalTwinSchema } from "../src/gen/twinfront/v1/digital_twin_pb.js";
import { CreateOrReplaceDigitalTwinRequestSchema } from "../src/gen/twinfront/v1/digital_twin_service_pb.js";
import { ValueSchema } from "../src/gen/twinfront/v1/value_pb.js";
import { asDouble, fromValue, fromValues, patch, pointer, toValue, toValues, ValueError } from "../src/index.js";

test("values come back as they were", () => {
  const values = [
    null,
    true,
    0,
    -7,
    0.5,
    2n ** 53n,
    -(2n ** 63n),
    2n ** 63n - 1n,
    "",
    "ä🏢",
    [],
    [1, ["x"]],
    { a: {} },
  ];
  for (const value of values) {
    assert.deepEqual(fromValue(toValue(value)), value);
  }
});

test("an integer is a number where that is exact, and a bigint beyond", () => {
  assert.equal(fromValue(toValue(BigInt(Number.MAX_SAFE_INTEGER))), Number.MAX_SAFE_INTEGER);
  assert.equal(fromValue(toValue(BigInt(Number.MAX_SAFE_INTEGER) + 1n)), 2n ** 53n);
  assert.equal(toValue(21).kind.case, "intValue");
  assert.equal(toValue(21.5).kind.case, "doubleValue");
  assert.equal(toValue(2 ** 60).kind.case, "doubleValue");
});

test("20.0 comes back as 20, and 20 is sent as an integer", () => {
  const double = create(ValueSchema, { kind: { case: "doubleValue", value: 20.0 } });
  assert.equal(fromValue(double), 20);
  assert.deepEqual(toValue(20.0).kind, { case: "intValue", value: 20n });
  assert.equal(toValue(double), double);
  assert.deepEqual(toValues({ t: double }), { t: double });
});

test("nesting ends where protobuf ends", () => {
  const lists = (depth: number): unknown => (depth === 0 ? 1 : [lists(depth - 1)]);
  const objects = (depth: number): unknown => (depth === 0 ? 1 : { a: objects(depth - 1) });
  for (const most of [lists(48), objects(32)]) {
    const request = create(CreateOrReplaceDigitalTwinRequestSchema, {
      digitalTwin: { properties: toValues({ p: most }) },
    });
    const sent = toBinary(CreateOrReplaceDigitalTwinRequestSchema, request);
    const { digitalTwin } = fromBinary(CreateOrReplaceDigitalTwinRequestSchema, sent);
    assert.deepEqual(fromValues(digitalTwin?.properties ?? {}), { p: most });
  }
  for (const tooMuch of [lists(49), objects(33), lists(1000)]) {
    assert.throws(() => toValue(tooMuch), ValueError);
    assert.throws(() => toValues({ p: tooMuch }), /^ValueError: the value at \/p\/.* is nested too deeply/);
  }
});

test("a number is read as a double whichever way it was written", () => {
  assert.equal(asDouble(toValue(20)), 20);
  assert.equal(asDouble(toValue(20.5)), 20.5);
  assert.equal(asDouble(toValue(2n ** 62n)), 2 ** 62);
  for (const other of [null, true, "20", [20]]) {
    assert.equal(asDouble(toValue(other)), undefined);
  }
  assert.equal(asDouble(create(ValueSchema)), undefined);
  assert.equal(asDouble(undefined), undefined);
});

test("what has no JSON form is refused by its path", () => {
  const cases: [unknown, string][] = [
    [Number.NaN, ""],
    [{ "a/b": [1, Number.POSITIVE_INFINITY] }, "/a~1b/1"],
    [{ n: 2n ** 63n }, "/n"],
    [["\ud800"], "/0"],
    [{ when: new Date() }, "/when"],
    [{ f: () => 1 }, "/f"],
    [{ u: undefined }, "/u"],
    [[1, , 3], "/1"],
    [{ "\ud800": 1 }, ""],
    [{ any: create(DigitalTwinSchema) }, "/any"],
  ];
  for (const [value, path] of cases) {
    assert.throws(
      () => toValue(value),
      (error) => error instanceof ValueError && error.path === path,
    );
  }
  const endless: unknown[] = [];
  endless.push(endless);
  assert.throws(() => toValue(endless), ValueError);
});

test("a patch escapes names and keeps its steps in order", () => {
  const { operations } = patch()
    .add("/a", 1)
    .replace(["a/b", "~c"], 1.5)
    .remove("/x")
    .migrate("dtmi:example:Room;2")
    .sourceTime("t", new Date(0), "thermostat");
  assert.deepEqual(
    operations.map(({ path }) => path),
    ["/a", "/a~1b/~0c", "/x", "/$metadata/$model", "/thermostat/$metadata/t/sourceTime"],
  );
  assert.equal(operations[4]?.value?.kind.value, "1970-01-01T00:00:00.000Z");
  assert.throws(() => patch().remove("a"), /a path starts with '\/'/);
  assert.equal(pointer("a/b", 0), "/a~1b/0");
});
