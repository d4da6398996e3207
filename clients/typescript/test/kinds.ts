import { isTwinfrontError, type Kind } from "../src/index.js";

/** A check that what was thrown is an error of a kind, for `assert.rejects`. */
export function isOfKind(kind: Kind): (error: unknown) => boolean {
  return (error) => isTwinfrontError(error) && error.kind === kind;
}
