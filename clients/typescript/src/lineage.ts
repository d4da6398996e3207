import type { CallOptions } from "@connectrpc/connect";

import type { TwinfrontClient } from "./client.js";
import { isTwinfrontError, type TwinfrontError } from "./errors.js";
import { items } from "./iteration.js";

/**
 * The models that each model extends, directly or not, with itself among them. Models never change, but one can be deleted, and
 * another one be made in its place.
 */
export class Lineage {
  private readonly ancestors = new Map<string, ReadonlySet<string>>();
  private readonly known = new Set<string>(); // those that are still what they were
  private hidden: TwinfrontError | undefined;

  /** Whether a model is another one, or extends it; throws PermissionDenied if the caller may not read that. */
  descends(modelId: string, ancestor: string): boolean {
    if (this.hidden) {
      throw this.hidden;
    }
    return modelId === ancestor || (this.ancestors.get(modelId)?.has(ancestor) ?? false);
  }

  /** All models may be others by now; what was known is kept until it is learnt anew. */
  mayBeOthers(): void {
    this.known.clear();
  }

  /** Reads the models of which nothing is known yet. */
  async learn(client: TwinfrontClient, modelIds: Iterable<string>, options: CallOptions): Promise<void> {
    const unknown = [...new Set(modelIds)].filter((modelId) => modelId && !this.known.has(modelId));
    if (unknown.length === 0 || this.hidden) {
      return;
    }
    try {
      if (!(await this.read(client, unknown, options))) {
        for (const modelId of unknown) {
          if (!(await this.read(client, [modelId], options))) {
            this.note(new Map([[modelId, []]])); // gone
          }
        }
      }
    } catch (error) {
      if (!isTwinfrontError(error) || error.kind !== "PermissionDenied") {
        throw error;
      }
      this.hidden = error;
    }
  }

  /** Reads models and all that they depend on; tells whether all were there. */
  private async read(client: TwinfrontClient, wanted: string[], options: CallOptions): Promise<boolean> {
    const bases = new Map<string, string[]>(wanted.map((modelId) => [modelId, []]));
    const request = { dependenciesFor: wanted, includeModelDefinition: true };
    try {
      for await (const model of items(client.models.listModels, request, ({ models }) => models, options)) {
        bases.set(model.id, basesOf(model.dtdlModel));
      }
    } catch (error) {
      if (isTwinfrontError(error) && error.kind === "ModelNotFound") {
        return false;
      }
      throw error;
    }
    this.note(bases);
    return true;
  }

  private note(bases: ReadonlyMap<string, readonly string[]>): void {
    for (const modelId of bases.keys()) {
      const found = new Set([modelId]);
      for (const each of found) {
        bases.get(each)?.forEach((base) => found.add(base)); // a set is gone through to what is added meanwhile
      }
      this.ancestors.set(modelId, found);
      this.known.add(modelId);
    }
  }
}

/** The ids of the models that an interface extends: one, several, or interfaces in place. */
function basesOf(dtdl: string): string[] {
  const { extends: extended = [] } = JSON.parse(dtdl || "{}") as { extends?: unknown };
  return [extended].flat().flatMap((base) => {
    const id: unknown = typeof base === "object" && base !== null ? (base as { "@id"?: unknown })["@id"] : base;
    return typeof id === "string" ? [id] : [];
  });
}
