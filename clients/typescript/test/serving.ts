import { Code, ConnectError, type ConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { once } from "node:events";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { Health } from "../src/gen/grpc/health/v1/health_pb.js";
import { ChangeService } from "../src/gen/twinfront/v1/change_service_pb.js";
import { DigitalTwinService } from "../src/gen/twinfront/v1/digital_twin_service_pb.js";
import { GraphService } from "../src/gen/twinfront/v1/graph_service_pb.js";
import { ModelService } from "../src/gen/twinfront/v1/model_service_pb.js";
import { QueryService } from "../src/gen/twinfront/v1/query_service_pb.js";
import { type ClientOptions, TwinfrontClient } from "../src/index.js";

/** Services that fail on demand; the real ones cannot be made to break at a given point. */
export interface Services {
  readonly twins?: Partial<ServiceImpl<typeof DigitalTwinService>>;
  readonly queries?: Partial<ServiceImpl<typeof QueryService>>;
  readonly changes?: Partial<ServiceImpl<typeof ChangeService>>;
  readonly models?: Partial<ServiceImpl<typeof ModelService>>;
  readonly graphs?: Partial<ServiceImpl<typeof GraphService>>;
  readonly health?: Partial<ServiceImpl<typeof Health>>;
}

/** What a server does with requests to services. */
export function adapter(services: Services): ReturnType<typeof connectNodeAdapter> {
  const routes = (router: ConnectRouter) => {
    router.service(DigitalTwinService, services.twins ?? {});
    router.service(QueryService, services.queries ?? {});
    router.service(ChangeService, services.changes ?? {});
    router.service(ModelService, services.models ?? {});
    router.service(GraphService, services.graphs ?? {});
    router.service(Health, services.health ?? {});
  };
  return connectNodeAdapter({ routes });
}

/** A client of services that are served in this process until the test has ended. */
export async function serve(t: TestContext, services: Services, options?: ClientOptions): Promise<TwinfrontClient> {
  return await dial(t, createServer(adapter(services)), options);
}

/** What a server says no with: a reason, and trailers. */
export function refusal(reason: string, code = Code.Unavailable, trailers?: Record<string, string>): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { domain: "twinfront", reason } };
  return new ConnectError("No.", code, trailers, [info]);
}

/** A client of a server that then serves until the test has ended. */
export async function dial(t: TestContext, server: Http2Server, options?: ClientOptions): Promise<TwinfrontClient> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new TwinfrontClient(`127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  t.after(() => {
    client.close();
    server.close();
  });
  return client;
}
