import type { DescMessage, DescMethodStreaming, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, makeAnyClient, type Transport } from "@connectrpc/connect";

type AnyCall = (...words: never[]) => unknown;

/**
 * The calls of a service. They are as those of Connect's own clients, except that a stream begins when it is iterated
 * over, and that leaving the loop ends the call, which would go on unread otherwise.
 */
export function createStub<Service extends DescService>(service: Service, transport: Transport): Client<Service> {
  const connect = createClient(service, transport) as { readonly [method: string]: AnyCall };
  return makeAnyClient(service, (method) => {
    switch (method.methodKind) {
      case "server_streaming":
        return (request: MessageInitShape<typeof method.input>, options?: CallOptions) =>
          messagesOf(transport, method, only(request), options);
      case "bidi_streaming":
        return (requests: AsyncIterable<MessageInitShape<typeof method.input>>, options?: CallOptions) =>
          messagesOf(transport, method, requests, options);
      default:
        return connect[method.localName] ?? null;
    }
  }) as Client<Service>;
}

async function* messagesOf<I extends DescMessage, O extends DescMessage>(
  transport: Transport,
  method: DescMethodStreaming<I, O>,
  requests: AsyncIterable<MessageInitShape<I>>,
  options: CallOptions | undefined,
): AsyncGenerator<MessageShape<O>> {
  const { signal, timeoutMs, headers, contextValues } = options ?? {};
  const answer = await transport.stream(method, signal, timeoutMs, headers, requests, contextValues);
  options?.onHeader?.(answer.header);
  yield* answer.message;
  options?.onTrailer?.(answer.trailer);
}

async function* only<T>(message: T): AsyncGenerator<T> {
  yield message;
}
