import { create } from "@bufbuild/protobuf";

import {
  type JsonPatchOperation,
  JsonPatchOperation_Op as Op,
  JsonPatchOperationSchema,
} from "./gen/twinfront/v1/json_patch_pb.js";
import { pointer } from "./pointer.js";
import { toValue } from "./values.js";

/** A JSON Pointer (`"/address/city"`), or its unescaped names (`["address", "city"]`). */
export type Path = string | readonly (string | number)[];

/**
 * A JSON Patch document (RFC 6902): `patch().replace("/temperature", 22.5).remove("/comment").operations` is what the
 * field `patch` of a request takes. The service applies all operations or none.
 */
export class Patch {
  /** The operations so far. */
  readonly operations: JsonPatchOperation[] = [];

  /** Sets a value, whether or not there was one; each object on the way to it has to exist. */
  add(path: Path, value: unknown): this {
    return this.append(Op.ADD, path, value);
  }

  /** Replaces a value that exists. */
  replace(path: Path, value: unknown): this {
    return this.append(Op.REPLACE, path, value);
  }

  /** Removes a value that exists. */
  remove(path: Path): this {
    return this.append(Op.REMOVE, path);
  }

  /** Makes the twin one of another model, of which it has to be valid after the whole patch. */
  migrate(modelId: string): this {
    return this.replace("/$metadata/$model", modelId);
  }

  /**
   * Records when the property's value was observed in the real world.
   *
   * @param when - A `Date`, or ISO 8601 text, which is sent as it is.
   * @param component - The component that has the property, when a twin is patched.
   */
  sourceTime(property: string, when: Date | string, component?: string): this {
    const time = typeof when === "string" ? when : when.toISOString();
    return this.replace([...(component === undefined ? [] : [component]), "$metadata", property, "sourceTime"], time);
  }

  private append(op: Op, path: Path, ...values: unknown[]): this {
    const text = typeof path === "string" ? path : pointer(...path);
    if (!text.startsWith("/")) {
      throw new TypeError(`a path starts with '/': '/${text}'`);
    }
    const value = values.length > 0 ? { value: toValue(values[0]) } : {};
    this.operations.push(create(JsonPatchOperationSchema, { op, path: text, ...value }));
    return this;
  }
}

/** An empty patch to add to. */
export function patch(): Patch {
  return new Patch();
}
