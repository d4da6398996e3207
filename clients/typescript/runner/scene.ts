import {
  createRegistry,
  type DescMethod,
  type DescService,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";

import { codeName } from "../src/codes.js";
import { file_google_rpc_error_details } from "../src/gen/google/rpc/error_details_pb.js";
import {
  BatchWriteDigitalTwinsRequestSchema,
  DigitalTwinService,
  file_twinfront_v1_digital_twin_service,
} from "../src/gen/twinfront/v1/digital_twin_service_pb.js";
import { file_twinfront_v1_error_details } from "../src/gen/twinfront/v1/error_details_pb.js";
import { ChangeService } from "../src/gen/twinfront/v1/change_service_pb.js";
import { EventRouteService } from "../src/gen/twinfront/v1/event_route_service_pb.js";
import { GraphService, ImportGraphRequestSchema } from "../src/gen/twinfront/v1/graph_service_pb.js";
import { JobService } from "../src/gen/twinfront/v1/job_service_pb.js";
import { ModelService } from "../src/gen/twinfront/v1/model_service_pb.js";
import { PermissionService } from "../src/gen/twinfront/v1/permission_service_pb.js";
import { QueryService } from "../src/gen/twinfront/v1/query_service_pb.js";
import { RelationshipService } from "../src/gen/twinfront/v1/relationship_service_pb.js";
import { TelemetryService } from "../src/gen/twinfront/v1/telemetry_service_pb.js";
import {
  type ClientOptions,
  fromStatus,
  fromValues,
  importGraph,
  isTwinfrontError,
  items,
  patch,
  type Path,
  streamQuery,
  toValues,
  TwinfrontClient,
  updateWithRetry,
} from "../src/index.js";
import { described } from "./described.js";
import { tagged, untagged } from "./tagged.js";
import { cached, type CacheStep, watched } from "./watching.js";

/** A step as the file has it. */
export interface Step extends CacheStep {
  readonly call?: string;
  readonly do?: string;
  readonly request?: JsonObject;
  readonly requests?: JsonObject[];
  readonly metadata?: Record<string, string>;
  readonly timeoutMs?: number;
  readonly cancelAfterMs?: number;
  readonly take?: number;
  readonly trailers?: string[];
  readonly save?: Record<string, string>;
  readonly digitalTwinId?: string;
  readonly modelId?: string;
  readonly values?: JsonObject;
  readonly operations?: JsonValue[][];
  readonly property?: string;
  readonly interfere?: number;
  readonly attempts?: number;
  readonly id?: string;
  readonly query?: string;
  readonly options?: ClientOptions & { address: string };
}

type Line = Record<string, unknown>;

const SERVICES: { readonly [name: string]: readonly [DescService, keyof TwinfrontClient] } = {
  DigitalTwinService: [DigitalTwinService, "digitalTwins"],
  RelationshipService: [RelationshipService, "relationships"],
  ModelService: [ModelService, "models"],
  QueryService: [QueryService, "queries"],
  TelemetryService: [TelemetryService, "telemetry"],
  EventRouteService: [EventRouteService, "eventRoutes"],
  JobService: [JobService, "jobs"],
  GraphService: [GraphService, "graphs"],
  ChangeService: [ChangeService, "changes"],
  PermissionService: [PermissionService, "permissions"],
};
const REGISTRY: Registry = createRegistry(
  file_google_rpc_error_details,
  file_twinfront_v1_error_details,
  file_twinfront_v1_digital_twin_service,
);

/** One scenario, and what its steps have saved. */
export class Scene {
  private readonly saved = new Map<string, string>();

  constructor(private readonly client: TwinfrontClient) {}

  /** Executes a step; what is to be printed of it. */
  async line(raw: Step): Promise<Line> {
    try {
      const step = this.filledIn(raw as unknown as JsonValue) as unknown as Step;
      const line: Line = { code: "OK" };
      try {
        await this.execute(step, line);
      } catch (error) {
        if (!isTwinfrontError(error)) {
          throw error;
        }
        Object.assign(line, { code: codeName(error.code), error: described(error) });
      }
      for (const [name, path] of Object.entries(step.save ?? {})) {
        this.saved.set(name, at(line, path));
      }
      return line;
    } catch (error) {
      return { code: "RUNNER_ERROR", message: String(error) };
    }
  }

  private filledIn(value: JsonValue): JsonValue {
    if (typeof value === "string") {
      return value.replace(/\$\{(\w+)\}/g, (found, name: string) => {
        const saved = this.saved.get(name);
        if (saved === undefined) {
          throw new Error(`nothing was saved as ${found}`);
        }
        return saved;
      });
    }
    if (Array.isArray(value)) {
      return value.map((item) => this.filledIn(item));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.filledIn(member)]));
    }
    return value;
  }

  private async execute(step: Step, line: Line): Promise<void> {
    switch (step.do) {
      case undefined:
        return await this.call(step, line);
      case "values":
        return await this.values(step, line);
      case "patch":
        return await this.patch(step, line);
      case "updateWithRetry":
        return await this.updateWithRetry(step, line);
      case "listAll":
        return await this.listAll(step, line);
      case "batchWrite":
        return await this.batchWrite(step, line);
      case "streamQuery":
        return await this.streamQuery(step, line);
      case "importGraph":
        return await this.importGraph(step, line);
      case "watch":
        line.response = await watched(this.client, step.request ?? {}, step.take ?? 0);
        return;
      case "cache":
        line.response = await cached(this.client, step);
        return;
      case "dial":
        try {
          const { address = "", ...options } = step.options ?? {};
          new TwinfrontClient(address, options).close();
        } catch {
          line.code = "REFUSED";
        }
        return;
      default:
        throw new Error(`there is no step ${step.do}`);
    }
  }

  private async call(step: Step, line: Line): Promise<void> {
    const method = methodOf(step);
    const requests = (step.requests ?? [step.request ?? {}]).map((request) => fromJson(method.input, request));
    const aborting = new AbortController();
    const timer = step.cancelAfterMs === undefined ? undefined : setTimeout(() => aborting.abort(), step.cancelAfterMs);
    let trailers = new Headers();
    const options: CallOptions = {
      signal: aborting.signal,
      headers: step.metadata ?? {},
      onTrailer: (came) => (trailers = came),
      ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
    };
    try {
      if (method.methodKind === "unary") {
        line.response = plain(method, await this.stub(method)(requests[0], options));
      } else {
        const responses: JsonValue[] = (line.responses = []);
        const sent = method.methodKind === "bidi_streaming" ? each(requests) : requests[0];
        for await (const message of this.stub(method)(sent, options) as AsyncIterable<Message>) {
          responses.push(plain(method, message));
          if (responses.length === step.take) {
            break;
          }
        }
      }
    } catch (error) {
      if (isTwinfrontError(error) && error.callId) {
        trailers.set("twinfront-call-id", error.callId);
      }
      throw error;
    } finally {
      clearTimeout(timer);
      if (step.trailers) {
        line.trailers = Object.fromEntries(step.trailers.map((name) => [name, trailers.has(name)]));
      }
    }
  }

  private stub(method: DescMethod): (request: unknown, options?: CallOptions) => any {
    const [, property] = SERVICES[method.parent.name]!;
    return (this.client[property] as any)[method.localName];
  }

  private async values(step: Step, line: Line): Promise<void> {
    const digitalTwinId = step.digitalTwinId ?? "";
    const properties = toValues(untagged(step.values ?? {}) as Record<string, unknown>);
    const digitalTwin = { modelId: step.modelId ?? "", properties };
    await this.client.digitalTwins.createOrReplaceDigitalTwin({ digitalTwinId, digitalTwin });
    const read = await this.client.digitalTwins.getDigitalTwin({ digitalTwinId });
    line.response = tagged(fromValues(read.digitalTwin?.properties ?? {}));
  }

  private async patch(step: Step, line: Line): Promise<void> {
    const made = patch();
    for (const [op, path, value] of step.operations ?? []) {
      switch (op) {
        case "add":
        case "replace":
          made[op](path as Path, untagged(value ?? null));
          break;
        case "remove":
          made.remove(path as Path);
          break;
        case "migrate":
          made.migrate(String(path));
          break;
        case "sourceTime":
          made.sourceTime(String(path), String(value));
          break;
        default:
          throw new Error(`there is no operation ${String(op)}`);
      }
    }
    const request = { digitalTwinId: step.digitalTwinId ?? "", patch: made.operations };
    line.response = { etag: (await this.client.digitalTwins.updateDigitalTwin(request)).etag };
  }

  private async updateWithRetry(step: Step, line: Line): Promise<void> {
    const { digitalTwinId = "", property = "", interfere = 0, attempts = 5 } = step;
    let invocations = 0;
    const counted = (properties: Parameters<typeof fromValues>[0]) => Number(fromValues(properties)[property]);
    await updateWithRetry(
      this.client,
      digitalTwinId,
      async (twin) => {
        invocations++;
        const count = counted(twin.properties);
        if (invocations <= interfere) {
          const other = patch().replace([property], count + 10).operations;
          await this.client.digitalTwins.updateDigitalTwin({ digitalTwinId, patch: other });
        }
        return patch().replace([property], count + 1);
      },
      { attempts },
    );
    const { digitalTwin } = await this.client.digitalTwins.getDigitalTwin({ digitalTwinId });
    line.response = { invocations, value: counted(digitalTwin?.properties ?? {}) };
  }

  private async listAll(step: Step, line: Line): Promise<void> {
    const method = methodOf(step);
    const [field] = method.output.fields.filter((candidate) => candidate.fieldKind === "list");
    const list = (request: JsonObject) => this.stub(method)(fromJson(method.input, request));
    const ids: string[] = [];
    const pages = items<JsonObject & { pageToken?: string }, any, Message>(
      list,
      step.request ?? {},
      (page) => page[field!.localName] as Message[],
    );
    for await (const item of pages) {
      const json = toJson(field!.listKind === "message" ? field!.message : method.output, item);
      ids.push(at({ response: json }, step.id ?? ""));
    }
    line.response = { ids };
  }

  private async batchWrite(step: Step, line: Line): Promise<void> {
    const request = fromJson(BatchWriteDigitalTwinsRequestSchema, step.request ?? {});
    const { results } = await this.client.digitalTwins.batchWriteDigitalTwins(request);
    const errors = results.map(({ status }) => {
      const error = fromStatus(status);
      return error ? { code: codeName(error.code), error: described(error) } : null;
    });
    line.response = { errors };
  }

  private async streamQuery(step: Step, line: Line): Promise<void> {
    const rows: unknown[] = [];
    for await (const row of streamQuery(this.client, { query: step.query ?? "" })) {
      rows.push(tagged(fromValues(row.fields)));
    }
    line.response = { rows };
  }

  private async importGraph(step: Step, line: Line): Promise<void> {
    const { options, items } = fromJson(ImportGraphRequestSchema, step.request ?? {});
    for await (const { progress } of importGraph(this.client, items, options)) {
      const { acknowledgedCount = 0n, digitalTwinsImported = 0n } = progress ?? {};
      line.response = { acknowledged: Number(acknowledgedCount), digitalTwins: Number(digitalTwinsImported) };
    }
  }
}

function methodOf(step: Step): DescMethod {
  const [service = "", name = ""] = (step.call ?? "").split("/");
  const method = SERVICES[service]?.[0].methods.find((candidate) => candidate.name === name);
  if (!method) {
    throw new Error(`there is no ${step.call}`);
  }
  return method;
}

function plain(method: DescMethod, message: Message): JsonValue {
  return toJson(method.output, message, { registry: REGISTRY });
}

async function* each<T>(things: T[]): AsyncGenerator<T> {
  yield* things;
}

function at(line: Line, path: string): string {
  let value: unknown = path.startsWith("error.") ? line : (line.response ?? line);
  for (const name of path.split(".")) {
    value = (value as Record<string, unknown> | undefined)?.[name];
  }
  if (typeof value !== "string") {
    throw new Error(`there is no ${path}`);
  }
  return value;
}
