import { create } from "@bufbuild/protobuf";
import { DurationSchema, type Timestamp } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";

import { backoff } from "./attempts.js";
import { CachedGraph, isBefore, type Resource, type Step } from "./cached_graph.js";
import type { TwinfrontClient } from "./client.js";
import { isTwinfrontError, type TwinfrontError } from "./errors.js";
import {
  ChangeContent,
  ChangeKind,
  InitialState,
  OnExpired,
  type WatchRequest,
  WatchRequestSchema,
} from "./gen/twinfront/v1/change_service_pb.js";
import type { DigitalTwin } from "./gen/twinfront/v1/digital_twin_pb.js";
import type { Relationship } from "./gen/twinfront/v1/relationship_pb.js";
import { Lineage } from "./lineage.js";
import { pause } from "./scope.js";
import { toValue } from "./values.js";
import { followed, WatchCourse, type WatchItem } from "./watch.js";

/** Seconds between checkpoints of a cache that goes on from a saved state: the sooner it is told how far it has come, the sooner
 * it is known to be whole again. */
const CATCHING_UP_SECONDS = 2n;
const TWINS = [ChangeKind.TWIN_CREATED, ChangeKind.TWIN_UPDATED, ChangeKind.TWIN_DELETED];
const GRAPH = [
  ...TWINS,
  ChangeKind.RELATIONSHIP_CREATED,
  ChangeKind.RELATIONSHIP_UPDATED,
  ChangeKind.RELATIONSHIP_DELETED,
];

/** What a {@link TwinCache} holds, and whom it tells of it. */
export interface TwinCacheOptions {
  /** Only these twins. */
  readonly digitalTwinIds?: string[];
  /** Only twins whose ids begin so; beside ids, either has to fit. */
  readonly digitalTwinIdPrefixes?: string[];
  /** Only twins of these models and of their descendants. */
  readonly modelIds?: string[];
  /** The relationships that start from these twins as well. */
  readonly relationships?: boolean;
  /** Only relationships with these names. */
  readonly relationshipNames?: string[];
  /** JSON Pointers to the properties that `find` finds twins by. */
  readonly indexed?: readonly string[];
  /** What `save` gave, of a cache with the same options: it goes on from there. */
  readonly saved?: string;
  /** Told of what has come in. */
  readonly added?: (after: Resource) => void | Promise<void>;
  /** Told of what is another than before. */
  readonly changed?: (before: Resource, after: Resource) => void | Promise<void>;
  /** Told of what is no longer there. */
  readonly removed?: (before: Resource) => void | Promise<void>;
}

/**
 * A part of the graph in memory, which stays as it is in the service: `const rooms = new TwinCache(client, { modelIds }).start()`.
 *
 * It reads the state as it is, follows the changes, and goes on by itself where that breaks, for as long as it takes. Where changes
 * are lost, or not told one by one, it reads the state again and tells what is another by then.
 *
 * Callbacks are told one after the other, once the cache shows what they are told. Nothing is read while one of them runs; a cache
 * that takes long goes on where it was. What one throws is written to the console, and the cache goes on. What the cache gives is its
 * own: to be read, and not to be changed. It holds what it shows, and no more.
 */
export class TwinCache {
  /** What keeps the cache from following the changes at present; `undefined` if nothing does. */
  error: unknown;
  private readonly graph: CachedGraph;
  private readonly lineage = new Lineage();
  private readonly closing = new AbortController();
  private readonly settled: Promise<void>;
  private settle: () => void = () => {};
  private running: Promise<void> | undefined;
  private isWhole = false;
  private newest: Timestamp | undefined;
  private messages = 0;

  /** @throws Error if `saved` is nothing that was saved. */
  constructor(
    private readonly client: TwinfrontClient,
    private readonly options: TwinCacheOptions = {},
  ) {
    this.graph = new CachedGraph(options.indexed ?? []);
    if (options.saved !== undefined) {
      this.graph.restore(options.saved);
    }
    this.settled = new Promise((resolve) => (this.settle = resolve));
  }

  /** How many digital twins there are. */
  get size(): number {
    return this.graph.twins.size;
  }

  /** Whether the cache has shown a whole state since it began. */
  get isSynced(): boolean {
    return this.isWhole;
  }

  /** A digital twin; `undefined` if there is none. */
  get(digitalTwinId: string): DigitalTwin | undefined {
    return this.graph.twins.get(digitalTwinId);
  }

  /**
   * The digital twins in the order of their ids: of a model and its descendants, with ids that begin so.
   *
   * @throws TwinfrontError of the kind `PermissionDenied` if the caller may not read what models extend.
   */
  list({ modelId, prefix = "" }: { readonly modelId?: string; readonly prefix?: string } = {}): DigitalTwin[] {
    return this.graph.digitalTwins(prefix, (each) => modelId === undefined || this.lineage.descends(each, modelId));
  }

  /**
   * The digital twins that have a value, in the order of their ids.
   *
   * @param pointer - One of `indexed`.
   * @throws RangeError if the twins are not indexed by it.
   */
  find(pointer: string, value: unknown): DigitalTwin[] {
    return this.graph.withValue(pointer, toValue(value));
  }

  /** A relationship; `undefined` if there is none. */
  getRelationship(digitalTwinId: string, relationshipId: string): Relationship | undefined {
    return this.graph.relationship(digitalTwinId, relationshipId);
  }

  /** The relationships that start from a digital twin, in the order of their ids. */
  relationships(digitalTwinId: string): Relationship[] {
    return this.graph.outgoingOf(digitalTwinId);
  }

  /** The relationships that point to a digital twin, of those that the cache holds. */
  incomingRelationships(digitalTwinId: string): Relationship[] {
    return this.graph.incomingOf(digitalTwinId);
  }

  /**
   * Waits until the cache has shown a whole state since it began.
   *
   * @param signal - Ends the waiting: `AbortSignal.timeout(30_000)`.
   * @throws TwinfrontError if the changes cannot be followed: the caller is not permitted to, or the server follows no source.
   */
  async synced(signal?: AbortSignal): Promise<void> {
    await Promise.race([this.settled, ...(signal ? [aborted(signal)] : [])]);
    if (!this.isWhole) {
      throw this.error ?? new Error("the cache has ended before it has shown a whole state");
    }
  }

  /** All that the cache holds, and where it goes on: the `saved` of another one. What it is about to tell is told again then. */
  save(): string {
    return this.graph.save();
  }

  /** Begins to follow the changes, as soon as there is a server. */
  start(): this {
    this.running ??= this.run();
    return this;
  }

  /** Ends the cache; what it holds stays, and can be saved. Not to be waited for in a callback. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let failures = 1; !this.closing.signal.aborted; failures++) {
      const before = this.messages;
      let asked = 0;
      try {
        await this.follow();
      } catch (error) {
        if (this.closing.signal.aborted) {
          break;
        }
        this.error = error;
        if (!isTwinfrontError(error)) {
          break;
        }
        if (error.kind === "ResumeTokenInvalid" && this.graph.resumeToken) {
          this.graph.beginAnew();
        } else if (cannotGoOn(error, this.messages > 0)) {
          break;
        }
        asked = "retryAfter" in error ? (error.retryAfter ?? 0) : 0;
      }
      failures = this.messages > before ? 1 : failures;
      await pause(Math.max(backoff(failures), asked), this.closing.signal).catch(() => undefined);
    }
    this.settle();
  }

  /** Follows the changes until that breaks, from where the graph is. */
  private async follow(): Promise<void> {
    const calls = { signal: this.closing.signal };
    const request = this.request();
    if (!this.graph.isListing && !this.isWhole) {
      request.checkpointInterval = create(DurationSchema, { seconds: CATCHING_UP_SECONDS });
      this.newest = (await this.client.changes.getChangeLog({}, calls)).newestTime;
      if (!this.newest) {
        this.hasSynced();
      }
    }
    const course = new WatchCourse(request, this.graph.handled);
    for await (const { items, resumeToken } of followed(this.client, course, calls)) {
      this.messages++;
      await this.lineage.learn(this.client, [...this.graph.models(), ...items.map(modelOf)], calls);
      for (const item of items) {
        await this.take(item);
      }
      this.graph.reached(resumeToken);
      this.error = undefined;
    }
  }

  private request(): WatchRequest {
    const { digitalTwinIds = [], digitalTwinIdPrefixes = [], modelIds = [], relationshipNames = [] } = this.options;
    return create(WatchRequestSchema, {
      resumeToken: this.graph.resumeToken,
      initialState: this.options.relationships ? InitialState.GRAPH : InitialState.TWINS,
      onExpired: OnExpired.RESYNC,
      content: ChangeContent.AFTER,
      filter: {
        digitalTwinIds,
        digitalTwinIdPrefixes,
        modelIds,
        relationshipNames,
        kinds: this.options.relationships ? GRAPH : TWINS,
      },
    });
  }

  /** Takes an item of a message. */
  private async take(item: WatchItem): Promise<void> {
    switch (item.case) {
      case "reset":
        this.lineage.mayBeOthers();
        return this.graph.beginListing();
      case "digitalTwin":
      case "relationship":
        return await this.tell(this.graph.list(item.value));
      case "initialStateEnd":
        await this.tell(this.graph.unlisted());
        this.graph.endListing(item.resumeToken);
        return this.hasSynced();
      case "change":
        await this.tell(this.graph.change(item.value));
        this.graph.handled.push(item.value.id);
        return this.knowsAllUntil(item.value.time);
      case "checkpoint":
        return this.knowsAllUntil(item.value.time);
    }
  }

  /** Takes steps, one after the other, and tells each. */
  private async tell(steps: readonly Step[]): Promise<void> {
    const { added, changed, removed } = this.options;
    for (const step of steps) {
      const { after } = step;
      const before = this.graph.take(step);
      try {
        if (before && after) {
          await changed?.(before, after);
        } else if (after) {
          await added?.(after);
        } else if (before) {
          await removed?.(before);
        }
      } catch (error) {
        console.error("a callback of a TwinCache has failed:", error);
      }
      this.graph.done();
    }
  }

  /** How far the changes have come: a saved state is whole again when it has caught up. */
  private knowsAllUntil(time: Timestamp | undefined): void {
    if (this.newest && time && !isBefore(time, this.newest)) {
      this.hasSynced();
    }
  }

  private hasSynced(): void {
    this.newest = undefined;
    this.isWhole = true;
    this.settle();
  }
}

/**
 * Whether a watch that failed so would fail so again, however often it is tried. Credentials that were good once may be so again.
 */
function cannotGoOn(error: TwinfrontError, wasThere: boolean): boolean {
  switch (error.code) {
    case Code.Unauthenticated:
      return !wasThere;
    case Code.Unimplemented:
    case Code.InvalidArgument:
    case Code.PermissionDenied:
    case Code.Canceled:
      return true;
    default:
      return false;
  }
}

function modelOf(item: WatchItem): string {
  if (item.case === "digitalTwin") {
    return item.value.modelId;
  }
  return item.case === "change" && item.value.resource.case === "digitalTwin" ? item.value.resource.value.modelId : "";
}

async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) {
      end();
    }
    signal.addEventListener("abort", end, { once: true });
  });
}
