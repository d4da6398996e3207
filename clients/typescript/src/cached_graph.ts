import { equals, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";

import { type Change, ChangeKind } from "./gen/twinfront/v1/change_service_pb.js";
import { type DigitalTwin, DigitalTwinSchema } from "./gen/twinfront/v1/digital_twin_pb.js";
import { type Relationship, RelationshipSchema } from "./gen/twinfront/v1/relationship_pb.js";
import type { Value } from "./gen/twinfront/v1/value_pb.js";
import { fromValue } from "./values.js";

/** A digital twin or a relationship that a cache holds; `$typeName` tells which. */
export type Resource = DigitalTwin | Relationship;

/** A key, and the resource that is found by it from now on; `undefined` if there is none any more. */
export interface Step {
  readonly key: Key;
  readonly after: Resource | undefined;
}

/** The id of a digital twin, and that of a relationship which starts from it; empty for the twin itself. */
type Key = readonly [digitalTwinId: string, relationshipId: string];

interface SavedGraph {
  readonly version: number;
  readonly resumeToken: string;
  readonly handled: string[];
  readonly digitalTwins: JsonValue[];
  readonly relationships: JsonValue[];
}

const VERSION = 1;

/** Tells whether something that a cache holds is a digital twin. */
export function isDigitalTwin(resource: Resource): resource is DigitalTwin {
  return resource.$typeName === "twinfront.v1.DigitalTwin";
}

/**
 * Holds digital twins and relationships, with what finds them.
 *
 * A change is told with the resource as the server found it when it told the change, so that it may show later changes as well.
 * These come all the same, and what they bring is known then: it has the same etag. The last that is told of something always
 * brings what it has come to.
 */
export class CachedGraph {
  readonly twins = new Map<string, DigitalTwin>();
  /** The token of the last message that is in it; empty for none. */
  resumeToken = "";
  /** The ids of the changes behind it that are in it as well. */
  handled: string[] = [];
  private readonly outgoing = new Map<string, Map<string, Relationship>>();
  private readonly incoming = new Map<string, Map<string, Relationship>>();
  private readonly byModel = new Map<string, Map<string, DigitalTwin>>();
  private readonly byValue: ReadonlyMap<string, Map<unknown, Map<string, DigitalTwin>>>;
  private listed: Set<string> | undefined = new Set(); // what the state has told so far, while it is told
  private inWork: { readonly key: Key; readonly before: Resource | undefined } | undefined;

  /** @param indexed - JSON Pointers to the properties to find twins by. */
  constructor(indexed: readonly string[]) {
    this.byValue = new Map(indexed.map((pointer) => [pointer, new Map()]));
  }

  /** The twins in the order of their ids: those whose ids begin so, of the models that fit. */
  digitalTwins(prefix: string, fits: (modelId: string) => boolean): DigitalTwin[] {
    const found = [...this.byModel].flatMap(([modelId, twins]) => (fits(modelId) ? [...twins.values()] : []));
    return inOrder(found.filter(({ id }) => id.startsWith(prefix)));
  }

  /** The twins that have a value, in the order of their ids. */
  withValue(pointer: string, value: Value): DigitalTwin[] {
    const index = this.byValue.get(pointer);
    if (!index) {
      throw new RangeError(`the cache is not indexed by ${pointer}`);
    }
    return inOrder([...(index.get(indexKey(value))?.values() ?? [])]);
  }

  relationship(digitalTwinId: string, relationshipId: string): Relationship | undefined {
    return this.outgoing.get(digitalTwinId)?.get(relationshipId);
  }

  outgoingOf(digitalTwinId: string): Relationship[] {
    return inOrder([...(this.outgoing.get(digitalTwinId)?.values() ?? [])]);
  }

  incomingOf(digitalTwinId: string): Relationship[] {
    const found = [...(this.incoming.get(digitalTwinId) ?? [])];
    return found.sort(([one], [other]) => compare(one, other)).map(([, relationship]) => relationship);
  }

  models(): string[] {
    return [...this.byModel.keys()];
  }

  /** Whether the state is being told, from its first item. */
  get isListing(): boolean {
    return this.listed !== undefined;
  }

  /** The state is told anew: what is not in it is gone. */
  beginListing(): void {
    this.listed = new Set();
  }

  /** Has the state told anew; what is known stays until that says otherwise. */
  beginAnew(): void {
    this.reached("");
    this.beginListing();
  }

  /** The step that a resource of the state makes; none if it is known as it is. */
  list(resource: Resource): Step[] {
    const key = keyOf(resource);
    this.listed?.add(textOf(key));
    const known = this.get(key);
    return known && isSame(known, resource) ? [] : [{ key, after: resource }];
  }

  /** The steps that take away what was not in the state: relationships go before twins. */
  unlisted(): Step[] {
    const { listed } = this;
    if (!listed) {
      return [];
    }
    return removals([...this.resources()].filter((resource) => !listed.has(textOf(keyOf(resource)))));
  }

  /** Notes that the state has come, and where changes follow. */
  endListing(resumeToken: string): void {
    this.listed = undefined;
    this.reached(resumeToken);
  }

  /**
   * The steps that a change makes; none if what it brings is known already. What changes while the state is told is part of the
   * state.
   */
  change(change: Change): Step[] {
    const key: Key = [change.digitalTwinId, change.relationshipId];
    this.listed?.add(textOf(key));
    const known = this.get(key);
    if (known && isOlder(change, known)) {
      return [];
    }
    if (isDeletion(change)) {
      const gone = new Set<Resource>(known ? [known] : []);
      if (!key[1]) {
        this.outgoingOf(key[0]).forEach((relationship) => gone.add(relationship));
        if (change.incomingRelationshipsLeft) {
          this.incomingOf(key[0]).forEach((relationship) => gone.add(relationship));
        }
      }
      return removals(gone);
    }
    const { case: name, value: after } = change.resource;
    if (name !== "digitalTwin" && name !== "relationship") {
      return [];
    }
    return known && isSame(known, after) ? [] : [{ key, after }];
  }

  /** Takes a step, and gives what there was before; until it is `done`, what is saved is as before it. */
  take({ key, after }: Step): Resource | undefined {
    const before = this.get(key);
    this.inWork = { key, before };
    if (before) {
      this.forget(before);
    }
    if (after) {
      this.keep(after);
    }
    return before;
  }

  /** All know of the last step. */
  done(): void {
    this.inWork = undefined;
  }

  /** All before a token is in it. */
  reached(resumeToken: string): void {
    this.resumeToken = resumeToken;
    this.handled = [];
  }

  save(): string {
    const resources = new Map([...this.resources()].map((resource) => [textOf(keyOf(resource)), resource]));
    if (this.inWork) {
      const { key, before } = this.inWork;
      resources.delete(textOf(key));
      if (before) {
        resources.set(textOf(key), before);
      }
    }
    const all = [...resources.values()];
    const state: SavedGraph = {
      version: VERSION,
      resumeToken: this.isListing ? "" : this.resumeToken,
      handled: this.handled,
      digitalTwins: all.filter(isDigitalTwin).map((twin) => toJson(DigitalTwinSchema, twin)),
      relationships: all.flatMap((each) => (isDigitalTwin(each) ? [] : [toJson(RelationshipSchema, each)])),
    };
    return JSON.stringify(state);
  }

  /** @throws Error if it is nothing that was saved. */
  restore(saved: string): void {
    const state = JSON.parse(saved) as SavedGraph | null;
    if (state?.version !== VERSION) {
      throw new Error("this is no saved state of a TwinCache, or one of another version of the client");
    }
    state.digitalTwins.forEach((twin) => this.keep(fromJson(DigitalTwinSchema, twin)));
    state.relationships.forEach((relationship) => this.keep(fromJson(RelationshipSchema, relationship)));
    if (state.resumeToken) {
      this.listed = undefined;
    }
    this.resumeToken = state.resumeToken;
    this.handled = state.handled;
  }

  private get([digitalTwinId, relationshipId]: Key): Resource | undefined {
    return relationshipId ? this.relationship(digitalTwinId, relationshipId) : this.twins.get(digitalTwinId);
  }

  private *resources(): Generator<Resource> {
    yield* this.twins.values();
    for (const members of this.outgoing.values()) {
      yield* members.values();
    }
  }

  private keep(resource: Resource): void {
    if (!isDigitalTwin(resource)) {
      put(this.outgoing, resource.sourceId, resource.id, resource);
      put(this.incoming, resource.targetId, textOf(keyOf(resource)), resource);
      return;
    }
    this.twins.set(resource.id, resource);
    put(this.byModel, resource.modelId, resource.id, resource);
    for (const [pointer, index] of this.byValue) {
      const value = valueAt(resource, pointer);
      if (value) {
        put(index, indexKey(value), resource.id, resource);
      }
    }
  }

  private forget(resource: Resource): void {
    if (!isDigitalTwin(resource)) {
      remove(this.outgoing, resource.sourceId, resource.id);
      remove(this.incoming, resource.targetId, textOf(keyOf(resource)));
      return;
    }
    this.twins.delete(resource.id);
    remove(this.byModel, resource.modelId, resource.id);
    for (const [pointer, index] of this.byValue) {
      const value = valueAt(resource, pointer);
      if (value) {
        remove(index, indexKey(value), resource.id);
      }
    }
  }
}

function put<Name, Entry>(place: Map<Name, Map<string, Entry>>, name: Name, member: string, entry: Entry): void {
  const members = place.get(name) ?? new Map<string, Entry>();
  place.set(name, members.set(member, entry));
}

/** Removes a member, and with the last one its name. */
function remove<Name, Entry>(place: Map<Name, Map<string, Entry>>, name: Name, member: string): void {
  const members = place.get(name);
  members?.delete(member);
  if (members?.size === 0) {
    place.delete(name);
  }
}

function keyOf(resource: Resource): Key {
  return isDigitalTwin(resource) ? [resource.id, ""] : [resource.sourceId, resource.id];
}

/** A key as text, of which no two are the same: no id has such a character. */
function textOf([digitalTwinId, relationshipId]: Key): string {
  return `${digitalTwinId}\0${relationshipId}`;
}

/** The steps that take resources away: relationships before twins, in the order of their keys. */
function removals(resources: Iterable<Resource>): Step[] {
  const order = (one: Resource, other: Resource) =>
    Number(isDigitalTwin(one)) - Number(isDigitalTwin(other)) || compare(textOf(keyOf(one)), textOf(keyOf(other)));
  return [...resources].sort(order).map((resource) => ({ key: keyOf(resource), after: undefined }));
}

function inOrder<Item extends { readonly id: string }>(items: Item[]): Item[] {
  return items.sort((one, other) => compare(one.id, other.id));
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** Whether something is as it is known; without etags nobody can tell but by all that there is. */
function isSame(known: Resource, told: Resource): boolean {
  if (known.etag && told.etag) {
    return known.etag === told.etag;
  }
  if (isDigitalTwin(known)) {
    return isDigitalTwin(told) && equals(DigitalTwinSchema, known, told);
  }
  return !isDigitalTwin(told) && equals(RelationshipSchema, known, told);
}

/**
 * Whether what is known has a change in it already. The changes of a source that tells no etags begin before the state was read:
 * what they are older than says the twin's own time. A twin that leaves what is watched has been changed, and not deleted: it
 * comes without itself.
 */
function isOlder(change: Change, known: Resource): boolean {
  const hasLeft = isDeletion(change) && change.resource.case !== "digitalTwin";
  if (change.etag || hasLeft || !isDigitalTwin(known) || !known.lastUpdateTime || !change.time) {
    return false;
  }
  return isBefore(change.time, known.lastUpdateTime) || !isBefore(known.lastUpdateTime, change.time);
}

/** Tells which of two times is the earlier one, to the last nanosecond. */
export function isBefore(one: Timestamp, other: Timestamp): boolean {
  return one.seconds === other.seconds ? one.nanos < other.nanos : one.seconds < other.seconds;
}

function isDeletion({ kind }: Change): boolean {
  return kind === ChangeKind.TWIN_DELETED || kind === ChangeKind.RELATIONSHIP_DELETED;
}

/** The value that a JSON Pointer leads to; `undefined` if there is none. */
function valueAt(twin: DigitalTwin, pointer: string): Value | undefined {
  const names = pointer.slice(1).split("/");
  const [first = "", ...rest] = names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const component = Object.hasOwn(twin.components, first) ? twin.components[first] : undefined;
  let fields: { readonly [name: string]: Value } = component?.properties ?? twin.properties;
  let value: Value | undefined;
  for (const name of component ? rest : [first, ...rest]) {
    value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    fields = value?.kind.case === "objectValue" ? value.kind.value.fields : {};
  }
  return value;
}

/** What equal values have in common, and others do not: 20 and 20.0 are one, 1 and true are two. */
function indexKey(value: Value): unknown {
  const plain = fromValue(value);
  // A list, an object or null as text, with a character before it that no text of JSON begins with.
  return typeof plain === "object" ? `\0${JSON.stringify(plain, integersAsText)}` : plain;
}

function integersAsText(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? `\0${value}` : value;
}
