import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Http2SessionManager } from "@connectrpc/connect-node";

import { createGrpcTransport, type Destination } from "./connection.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "./gen/grpc/health/v1/health_pb.js";
import { HEALTH_SERVICE } from "./retries.js";

const PAUSE_MS = 1000;

type Words = Parameters<Destination["request"]>;
type Sent = ReturnType<Destination["request"]>;

/**
 * The connections of a client, one to each of the servers that are before one upstream. Each call goes to the next of those
 * that are connected and serve: the health of several is watched, as the service config says. If none of them serves, calls
 * go to all. One whose connection ended is connected anew, after a pause where that failed.
 */
export class Servers implements Destination {
  private readonly servers: readonly Server[];
  private turn = 0;

  constructor(managers: readonly Http2SessionManager[], userAgent: string) {
    this.servers = managers.map((manager) => new Server(manager, userAgent));
  }

  async request(...words: Words): Sent {
    const tried = new Set<Server>();
    for (;;) {
      const server = await this.next(tried);
      try {
        return await server.request(...words);
      } catch (thrown) {
        // A connection that looked well was told to end, and there is no new one.
        tried.add(server);
        if (tried.size === this.servers.length) {
          throw thrown;
        }
      }
    }
  }

  /** Ends all calls and connections. */
  abort(): void {
    this.servers.forEach((server) => server.abort());
  }

  /** Gives the next of those that are connected and serve, and has the others connect meanwhile. */
  private async next(tried: ReadonlySet<Server>): Promise<Server> {
    const others = this.servers.filter((server) => !tried.has(server));
    if (this.servers.length > 1) {
      const connecting = others.filter((server) => !server.isConnected).map((server) => server.connect());
      if (connecting.length === others.length) {
        await firstThatSucceeds(connecting);
      }
    }
    const connected = others.filter((server) => server.isConnected);
    if (this.servers.length > 1) {
      connected.forEach((server) => server.watch());
    }
    const serving = connected.filter((server) => server.serves);
    const candidates = [serving, connected, others].find((some) => some.length > 0)!;
    return candidates[this.turn++ % candidates.length]!;
  }
}

/** One of the servers. */
class Server implements Destination {
  /** Whether calls may come, as far as it has said so. */
  serves = true;
  private isWatched = false;
  private connectNotBefore = 0;
  private watchNotBefore = 0;

  constructor(
    private readonly manager: Http2SessionManager,
    private readonly userAgent: string,
  ) {}

  get isConnected(): boolean {
    return ["open", "idle", "verifying"].includes(this.manager.state());
  }

  async request(...words: Words): Sent {
    return [await this.manager.request(...words), this.manager];
  }

  /** Connects, unless that failed just now; tells whether it is connected. */
  async connect(): Promise<boolean> {
    if (performance.now() < this.connectNotBefore) {
      return false;
    }
    const isConnected = (await this.manager.connect()) !== "error";
    this.connectNotBefore = isConnected ? 0 : performance.now() + PAUSE_MS;
    return isConnected;
  }

  /** Has it say from now on whether it serves, unless it does already, or just ceased to. */
  watch(): void {
    if (!this.isWatched && performance.now() >= this.watchNotBefore) {
      this.isWatched = true;
      void this.follow();
    }
  }

  abort(): void {
    this.manager.abort();
  }

  private async follow(): Promise<void> {
    const health = createClient(Health, createGrpcTransport(this.manager.authority, this));
    try {
      for await (const { status } of health.watch(
        { service: HEALTH_SERVICE },
        { headers: { "user-agent": this.userAgent } },
      )) {
        this.serves = status === Status.SERVING;
      }
      this.serves = false;
    } catch (thrown) {
      // One that does not know such questions serves, and is not asked again.
      this.serves = ConnectError.from(thrown).code === Code.Unimplemented;
    }
    this.isWatched = this.serves;
    this.watchNotBefore = performance.now() + PAUSE_MS;
  }
}

/** Waits until one of some attempts succeeds, or all have failed. */
async function firstThatSucceeds(attempts: readonly Promise<boolean>[]): Promise<void> {
  const successes = attempts.map(async (attempt) => {
    if (!(await attempt)) {
      throw new Error("failed");
    }
  });
  await Promise.any(successes).catch(() => {});
}
