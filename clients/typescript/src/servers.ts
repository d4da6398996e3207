import { Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientHttp2Stream } from "node:http2";

const RECONNECT_PAUSE_MS = 1000;

/**
 * The connections of a client, one to each of the servers that are before one upstream. Each call goes to the next of those
 * that are connected. One whose connection ended is connected anew, after a pause where that failed.
 */
export class Servers {
  private readonly servers: readonly Server[];
  private turn = 0;

  constructor(managers: readonly Http2SessionManager[]) {
    this.servers = managers.map((manager) => new Server(manager));
  }

  /** Sends a request to one of them, and gives the connection too; throws if none can be connected. */
  async request(
    ...words: Parameters<Http2SessionManager["request"]>
  ): Promise<readonly [ClientHttp2Stream, Http2SessionManager]> {
    const tried = new Set<Server>();
    for (;;) {
      const server = await this.next(tried);
      try {
        return [await server.manager.request(...words), server.manager];
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
    this.servers.forEach(({ manager }) => manager.abort());
  }

  /** Gives the next of those that are connected, and has the others connect meanwhile. */
  private async next(tried: ReadonlySet<Server>): Promise<Server> {
    const others = this.servers.filter((server) => !tried.has(server));
    if (this.servers.length > 1) {
      const connecting = others.filter((server) => !server.isConnected).map((server) => server.connect());
      if (connecting.length === others.length) {
        await firstThatSucceeds(connecting);
      }
    }
    const connected = others.filter((server) => server.isConnected);
    const candidates = connected.length > 0 ? connected : others;
    return candidates[this.turn++ % candidates.length]!;
  }
}

/** One of the servers. */
class Server {
  private notBefore = 0;

  constructor(readonly manager: Http2SessionManager) {}

  get isConnected(): boolean {
    return ["open", "idle", "verifying"].includes(this.manager.state());
  }

  /** Connects, unless that failed just now; tells whether it is connected. */
  async connect(): Promise<boolean> {
    if (performance.now() < this.notBefore) {
      return false;
    }
    const isConnected = (await this.manager.connect()) !== "error";
    this.notBefore = isConnected ? 0 : performance.now() + RECONNECT_PAUSE_MS;
    return isConnected;
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
