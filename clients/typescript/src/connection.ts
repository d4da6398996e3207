import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  createNodeHttpClient,
  type Http2SessionManager,
} from "@connectrpc/connect-node";
import type { UniversalClientFn, UniversalClientResponse } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-grpc";
import { type ClientHttp2Stream, constants, type Http2Session } from "node:http2";

import { StatusSchema } from "./gen/google/rpc/status_pb.js";

// A page of 1000 models with their definitions is larger than the 4 MiB that are usual with gRPC.
const MAX_RECEIVE_BYTES = 16 * 1024 * 1024;
const MAX_SEND_BYTES = 0xffffffff;
const STATUS = "grpc-status";
const MESSAGE = "grpc-message";
const DETAILS = "grpc-status-details-bin";
const PROBE_MS = 1000;

/** Where requests go: a server, or one of several. */
export interface Destination {
  /** Sends a request, and gives the connection too; throws if there can be none. */
  request(
    ...words: Parameters<Http2SessionManager["request"]>
  ): Promise<readonly [ClientHttp2Stream, Http2SessionManager]>;
}

/** Errors of calls that came to nothing; no class of its own, as Connect takes all its errors for instances of any. */
const ofNothing = new WeakSet<ConnectError>();

/** Tells whether a call found no connection, or one that took no more calls: then it has done nothing. */
export function hasDoneNothing(failure: ConnectError): boolean {
  return ofNothing.has(failure);
}

/**
 * Connect's transport for gRPC, but for two things: a connection that breaks, and a server that ends a call without an
 * answer, are UNAVAILABLE, and details of an error never hide its status.
 */
export function createGrpcTransport(baseUrl: string, destination: Destination): Transport {
  return createTransport({
    baseUrl,
    httpClient: httpClient(baseUrl, destination),
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [compressionGzip, compressionBrotli],
    sendCompression: null,
    compressMinBytes: 1024,
    readMaxBytes: MAX_RECEIVE_BYTES,
    writeMaxBytes: MAX_SEND_BYTES,
  });
}

/** Node's HTTP client, which says truly what became of an exchange. */
function httpClient(baseUrl: string, destination: Destination): UniversalClientFn {
  return async (request) => {
    const exchange = new Exchange(baseUrl, destination, request.signal);
    try {
      const response = await createNodeHttpClient({ httpVersion: "2", sessionProvider: () => exchange })(request);
      correctStatus(response.header);
      return { ...response, body: exchange.body(response) };
    } catch (thrown) {
      throw exchange.failure(thrown);
    }
  };
}

/** A request and its response. It stands between them and the sessions, and looks at its own when something fails. */
class Exchange {
  private manager: Http2SessionManager | undefined;
  private stream: ClientHttp2Stream | undefined;
  private session: Http2Session | undefined; // which a stream that has ended no longer knows

  constructor(
    readonly authority: string,
    private readonly destination: Destination,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async request(...words: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    [this.stream, this.manager] = await this.destination.request(...words);
    this.session = this.stream.session;
    if (this.session) {
      watch(this.session);
    }
    return this.stream;
  }

  notifyResponseByteRead(stream: ClientHttp2Stream): void {
    this.manager?.notifyResponseByteRead(stream);
  }

  /** The body, after which the trailers are there. */
  async *body({ header, body, trailer }: UniversalClientResponse): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (thrown) {
      throw this.failure(thrown);
    }
    if (!header.has(STATUS) && !trailer.has(STATUS) && this.session?.destroyed) {
      throw this.failure(new ConnectError("the answer has no end", Code.Aborted));
    }
    correctStatus(trailer);
  }

  /**
   * The error that the exchange failed with: a lost connection, unless the caller has ended it, or the server has reset the stream.
   * Connect makes ABORTED of errors of sockets, CANCELLED of streams that end along with their session, and INTERNAL of
   * most resets.
   */
  failure(thrown: unknown): ConnectError {
    const error = ConnectError.from(thrown);
    if (this.signal?.aborted) {
      if (error.code === Code.DeadlineExceeded && this.session) {
        probe(this.session);
      }
      return error;
    }
    if (!this.session) {
      const message = `cannot connect: ${error.rawMessage}`;
      return ofNothingDone(new ConnectError(message, Code.Unavailable, undefined, undefined, error));
    }
    if (this.session.destroyed || error.code === Code.Aborted) {
      const message = `the connection broke: ${error.rawMessage}`;
      return new ConnectError(message, Code.Unavailable, undefined, undefined, error);
    }
    const reset = this.stream?.rstCode;
    const code = reset === undefined ? undefined : CODE_BY_RESET[reset];
    const failure = code ? new ConnectError(error.rawMessage, code, undefined, undefined, error) : error;
    return reset === constants.NGHTTP2_REFUSED_STREAM ? ofNothingDone(failure) : failure;
  }
}

function ofNothingDone(failure: ConnectError): ConnectError {
  ofNothing.add(failure);
  return failure;
}

const watched = new WeakSet<Http2Session>();
const probed = new WeakSet<Http2Session>();

/** Keeps an error of a session that Connect no longer listens to from ending the process. */
function watch(session: Http2Session): void {
  if (!watched.has(session)) {
    watched.add(session);
    session.on("error", () => {});
  }
}

/**
 * Ends a session that no longer answers, so that no other call waits on it for the next regular ping. Node leaves a session
 * so, for one, after a header of more than 64 KiB.
 */
function probe(session: Http2Session): void {
  if (session.destroyed || probed.has(session)) {
    return;
  }
  probed.add(session);
  const dead = new ConnectError("the connection no longer answers", Code.Unavailable);
  const timer = setTimeout(() => session.destroy(dead, constants.NGHTTP2_CANCEL), PROBE_MS).unref();
  const answered = () => {
    clearTimeout(timer);
    probed.delete(session);
  };
  try {
    session.ping((error) => error ?? answered());
  } catch {
    // The most pings that are allowed are under way already: one of them will tell.
    answered();
  }
}

/**
 * Maps an HTTP/2 error to a code as gRPC's specification does; all others are INTERNAL. But where that says CANCELLED, the
 * caller has not cancelled the call.
 */
const CODE_BY_RESET: { readonly [reset: number]: Code } = {
  [constants.NGHTTP2_REFUSED_STREAM]: Code.Unavailable,
  [constants.NGHTTP2_CANCEL]: Code.Unavailable,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: Code.ResourceExhausted,
  [constants.NGHTTP2_INADEQUATE_SECURITY]: Code.PermissionDenied,
};

/**
 * Leaves out what would hide a status: details that are none, or of another code than the status, and wrong escapes. Makes
 * UNAVAILABLE of CANCELLED, which a stopping server says to calls that it has not begun, and a proxy to those that it drops.
 */
function correctStatus(headers: Headers): void {
  if (Number(headers.get(STATUS)) === Code.Canceled) {
    headers.set(STATUS, String(Code.Unavailable));
    headers.set(MESSAGE, `the server ended the call without an answer: ${headers.get(MESSAGE) ?? ""}`);
  }
  const details = headers.get(DETAILS);
  if (details !== null && codeIn(details) !== Number(headers.get(STATUS))) {
    headers.delete(DETAILS);
  }
  const message = headers.get(MESSAGE);
  if (message !== null && !isEscaped(message)) {
    headers.set(MESSAGE, encodeURIComponent(message));
  }
}

function codeIn(details: string): number | undefined {
  try {
    return fromBinary(StatusSchema, base64Decode(details)).code;
  } catch {
    return undefined;
  }
}

function isEscaped(message: string): boolean {
  try {
    return decodeURIComponent(message) !== undefined;
  } catch {
    return false;
  }
}
