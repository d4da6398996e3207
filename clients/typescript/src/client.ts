import { type Client, Code, ConnectError, type Transport } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";
import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";

import type { KnownServer } from "./attempts.js";
import { createGrpcTransport } from "./connection.js";
import { ChangeService } from "./gen/twinfront/v1/change_service_pb.js";
import { DigitalTwinService } from "./gen/twinfront/v1/digital_twin_service_pb.js";
import { EventRouteService } from "./gen/twinfront/v1/event_route_service_pb.js";
import { GraphService } from "./gen/twinfront/v1/graph_service_pb.js";
import { JobService } from "./gen/twinfront/v1/job_service_pb.js";
import { ModelService } from "./gen/twinfront/v1/model_service_pb.js";
import { PermissionService } from "./gen/twinfront/v1/permission_service_pb.js";
import { QueryService } from "./gen/twinfront/v1/query_service_pb.js";
import { RelationshipService } from "./gen/twinfront/v1/relationship_service_pb.js";
import { TelemetryService } from "./gen/twinfront/v1/telemetry_service_pb.js";
import { Servers } from "./servers.js";
import { createStub } from "./stubs.js";
import { type TokenSource, TypedTransport } from "./transport.js";

/** The version of this package, as it tells the server. */
export const VERSION = "0.1.0";
const USER_AGENT = `twinfront-typescript/${VERSION}`;

/** How a client uses TLS. */
export interface TlsOptions {
  /** PEM file with the authorities that may vouch for the server; Node's own list if left out. */
  readonly ca?: string;
  /** PEM file with the client's certificate chain, for servers that ask for one (mTLS). */
  readonly cert?: string;
  /** PEM file with the private key of `cert`. */
  readonly key?: string;
  /** The name that the server's certificate has to bear, if it is not the one in the target. */
  readonly serverName?: string;
}

/** How a client connects. */
export interface ClientOptions {
  /** TLS, of version 1.2 at the least: with Node's list of authorities, or as the options say. None if left out. */
  readonly tls?: boolean | TlsOptions;
  /**
   * A bearer token for every call, or what gives one; it is asked each time. If it fails, the call fails with the kind
   * `Unauthenticated`.
   */
  readonly token?: string | TokenSource;
  /** Allows to talk in the clear: to another machine, or with a token to this one. Not allowed if left out. */
  readonly insecure?: boolean;
  /** `false` to send each call once, and to go on with no stream that broke. */
  readonly retry?: boolean;
}

// Half a minute between pings finds a dead connection before the default timeout of a read; the server takes one each
// 20 s.
const PINGS = { pingIntervalMs: 30_000, pingTimeoutMs: 15_000, pingIdleConnection: true };
// Details of errors ride in the trailers, and a gateway's may be large.
const MAX_RECEIVE_METADATA_BYTES = 64 * 1024;

/**
 * A connection to a server, or to several before one upstream, with the calls of all services on it. It connects with the
 * first call, and one is enough for a program.
 *
 * Every call fails with a `TwinfrontError`. A call without `timeoutMs` has the default deadline: 30 s to read, 60 s to
 * write, 300 s for `createModels` and `batchWriteDigitalTwins`, none for streams; 0 stands for none. Within it calls are sent
 * again that have changed nothing, and writes whose answer was lost, these under the `requestId` that each gets unless the
 * caller gives one. A stream begins when it is iterated over, and leaving the loop ends it.
 */
export class TwinfrontClient {
  /** Creates, reads, changes and deletes twins and their components, alone and in batches. */
  readonly digitalTwins: Client<typeof DigitalTwinService>;
  /** Creates, reads, lists, changes and deletes relationships. */
  readonly relationships: Client<typeof RelationshipService>;
  /** Uploads, reads, lists, decommissions and deletes models. */
  readonly models: Client<typeof ModelService>;
  /** Runs queries, page by page or as a stream. */
  readonly queries: Client<typeof QueryService>;
  /** Publishes telemetry of twins and components. */
  readonly telemetry: Client<typeof TelemetryService>;
  /** Says which events go to which endpoint. */
  readonly eventRoutes: Client<typeof EventRouteService>;
  /** Starts and watches import and delete jobs. */
  readonly jobs: Client<typeof JobService>;
  /** Imports and exports models, twins and relationships as streams. */
  readonly graphs: Client<typeof GraphService>;
  /** Tells how the graph changes, and how far the log of changes reaches. */
  readonly changes: Client<typeof ChangeService>;
  /** Tells what the caller may do. */
  readonly permissions: Client<typeof PermissionService>;
  /** The transport, for clients of other services such as gRPC's health. */
  readonly transport: Transport;
  /** @internal */
  readonly server: KnownServer;
  private readonly closing = new AbortController();
  private readonly servers: Servers;

  /**
   * @param target - `host:port`, or several of them before one upstream: calls go to those that serve, in turns.
   * @throws Error if calls, or a token, would travel in the clear without having been allowed to, or a file cannot be
   * read. In the clear, calls travel to this machine alone unless `insecure` says otherwise; a token never leaves it so,
   * and stays on it only with `insecure`.
   */
  constructor(target: string | readonly string[], options: ClientOptions = {}) {
    const urls = [target].flat().map((each) => serverUrl(each, Boolean(options.tls)));
    const [first] = urls;
    if (!first) {
      throw new Error("there is no target");
    }
    urls.forEach((url) => checkSecurity(url, options));
    const session = {
      settings: { maxHeaderListSize: MAX_RECEIVE_METADATA_BYTES },
      ...(typeof options.tls === "object" ? tlsNodeOptions(options.tls) : {}),
    };
    const managers = urls.map(({ origin }) => new Http2SessionManager(origin, PINGS, session));
    this.servers = new Servers(managers, USER_AGENT);
    const { token } = options;
    const transport = new TypedTransport(
      createGrpcTransport(first.origin, this.servers),
      USER_AGENT,
      typeof token === "string" ? () => token : token,
      this.closing.signal,
      options.retry ?? true,
    );
    this.transport = transport;
    this.server = transport.server;
    this.digitalTwins = createStub(DigitalTwinService, this.transport);
    this.relationships = createStub(RelationshipService, this.transport);
    this.models = createStub(ModelService, this.transport);
    this.queries = createStub(QueryService, this.transport);
    this.telemetry = createStub(TelemetryService, this.transport);
    this.eventRoutes = createStub(EventRouteService, this.transport);
    this.jobs = createStub(JobService, this.transport);
    this.graphs = createStub(GraphService, this.transport);
    this.changes = createStub(ChangeService, this.transport);
    this.permissions = createStub(PermissionService, this.transport);
  }

  /** Ends the calls in flight and closes the connection. Calls after it fail with the kind `CallCancelled`. */
  close(): void {
    this.closing.abort(new ConnectError("the client is closed", Code.Canceled));
    this.servers.abort();
  }
}

function serverUrl(target: string, isSecure: boolean): URL {
  const text = `${isSecure ? "https" : "http"}://${target}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.href !== `${url?.origin}/`) {
    throw new Error(`${target} is no target: that is host:port`);
  }
  return url;
}

function checkSecurity({ host, hostname }: URL, { tls, token, insecure }: ClientOptions): void {
  if (tls) {
    if (insecure) {
      throw new Error("tls and insecure exclude each other");
    }
    if (typeof tls === "object" && (tls.cert === undefined) !== (tls.key === undefined)) {
      throw new Error("cert and key go together: tls has both or none");
    }
    return;
  }
  const isHere = isLoopback(hostname);
  if (!isHere && !insecure) {
    throw new Error(`${host} is not on this machine: use tls, or insecure to talk in the clear`);
  }
  if (!isHere && token !== undefined) {
    throw new Error(`a token does not travel to ${host} in the clear: use tls`);
  }
  if (token !== undefined && !insecure) {
    throw new Error("a token travels in the clear only on this machine and if insecure says so: else use tls");
  }
}

function tlsNodeOptions({ ca, cert, key, serverName }: TlsOptions) {
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** Tells whether a host name, as a URL has it, is this machine for sure. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}
