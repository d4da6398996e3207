import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  type StreamResponse,
  type Transport,
  type UnaryResponse,
} from "@connectrpc/connect";

import { Attempts, type KnownServer } from "./attempts.js";
import { fromError, type TwinfrontError } from "./errors.js";
import { identify } from "./requests.js";
import { type MethodPolicy, policyOf, RetryBudget } from "./retries.js";
import { CallScope, pause } from "./scope.js";

type HeaderInit = ConstructorParameters<typeof Headers>[0];

/** Gives the bearer token of a call; the signal is aborted when nobody waits for it any more. */
export type TokenSource = (signal: AbortSignal) => string | Promise<string>;

/** A transport that sends a bearer token, sends calls again that bear it, and fails with typed errors. */
export class TypedTransport implements Transport {
  readonly server: KnownServer;

  constructor(
    private readonly inner: Transport,
    private readonly userAgent: string,
    private readonly token: TokenSource | undefined,
    private readonly closed: AbortSignal,
    sendsAgain: boolean,
  ) {
    this.server = { budget: new RetryBudget(), sendsAgain, wasSeen: false };
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderInit | undefined,
    input: MessageInitShape<I>,
    contextValues?: ContextValues,
  ): Promise<UnaryResponse<I, O>> {
    const policy = policyFor(method);
    const scope = new CallScope([this.closed, signal], timeoutMs ?? policy.timeoutMs);
    let attempts: Attempts | undefined;
    try {
      // A copy, which may get an id that is not the caller's, and has to be the same each time.
      const request = create(method.input, { ...input });
      if (this.server.sendsAgain) {
        identify(method.input, request);
      }
      attempts = Attempts.at(method, request, policy.retry, this.server);
      const answer = await this.attempt(attempts, scope, header, (headers) =>
        this.inner.unary(method, scope.signal, scope.millisecondsLeft, headers, request, contextValues),
      );
      this.server.budget.succeeded();
      return answer;
    } catch (thrown) {
      throw counted(thrown, attempts);
    } finally {
      scope.close();
    }
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeaderInit | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
    contextValues?: ContextValues,
  ): Promise<StreamResponse<I, O>> {
    const policy = policyFor(method);
    const scope = new CallScope([this.closed, signal], timeoutMs ?? policy.timeoutMs);
    const attempts = Attempts.atBeginning(policy.retry, this.server);
    try {
      // A single request can be sent again, as long as no answer to it has begun.
      const isReplayable = method.methodKind === "server_streaming";
      const replayable = isReplayable ? await replay(input) : input;
      const send = (headers: Headers) =>
        this.inner.stream(method, scope.signal, scope.millisecondsLeft, headers, replayable, contextValues);
      const answer = isReplayable
        ? await this.attempt(attempts, scope, header, send)
        : await send(await this.headers(header, 0, scope));
      return { ...answer, message: this.typedMessages(answer.message, scope, attempts) };
    } catch (thrown) {
      scope.close();
      throw counted(thrown, attempts);
    }
  }

  private async attempt<Answer>(
    attempts: Attempts,
    scope: CallScope,
    header: HeaderInit | undefined,
    send: (headers: Headers) => Promise<Answer>,
  ): Promise<Answer> {
    for (;;) {
      const headers = await this.headers(header, attempts.repeats, scope);
      try {
        const answer = await send(headers);
        this.server.wasSeen = true;
        return answer;
      } catch (thrown) {
        if (scope.signal.aborted || !(thrown instanceof ConnectError)) {
          throw thrown;
        }
        await pause(attempts.pauseAfter(fromError(thrown), scope.millisecondsLeft), scope.signal);
      }
    }
  }

  private async headers(header: HeaderInit | undefined, repeats: number, scope: CallScope): Promise<Headers> {
    const headers = new Headers(header);
    headers.set("user-agent", this.userAgent);
    if (repeats > 0) {
      headers.set("grpc-previous-rpc-attempts", String(repeats));
    }
    if (this.token) {
      headers.set("authorization", `Bearer ${await scope.during(validToken(this.token, scope.signal))}`);
    }
    return headers;
  }

  private async *typedMessages<T>(messages: AsyncIterable<T>, scope: CallScope, attempts: Attempts): AsyncGenerator<T> {
    try {
      yield* messages;
      this.server.budget.succeeded();
    } catch (thrown) {
      throw counted(thrown, attempts);
    } finally {
      scope.close();
    }
  }
}

/** The error of a call, with the number of attempts. */
function counted(thrown: unknown, attempts: Attempts | undefined): TwinfrontError {
  const error = fromError(thrown);
  error.attempts = (attempts?.repeats ?? 0) + 1;
  return error;
}

function policyFor(method: DescMethod): MethodPolicy {
  return policyOf(`${method.parent.typeName}/${method.name}`);
}

async function validToken(source: TokenSource, signal: AbortSignal): Promise<string> {
  let token: string;
  try {
    token = await source(signal);
  } catch (thrown) {
    throw new ConnectError(`there is no token: ${String(thrown)}`, Code.Unauthenticated, undefined, undefined, thrown);
  }
  if (!/^[!-~]+$/.test(token)) {
    throw new ConnectError("the token is empty, or has characters that no bearer token has", Code.Unauthenticated);
  }
  return token;
}

/** The messages as an iterable that can be read more than once. */
async function replay<T>(messages: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const read: T[] = [];
  for await (const message of messages) {
    read.push(message);
  }
  return {
    async *[Symbol.asyncIterator]() {
      yield* read;
    },
  };
}
