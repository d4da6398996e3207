import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { constants, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";

import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";
import { GetDigitalTwinResponseSchema } from "../src/gen/twinfront/v1/digital_twin_service_pb.js";
import { Code, isTwinfrontError, patch, type TwinfrontClient, updateWithRetry } from "../src/index.js";
import { isOfKind } from "./kinds.js";
import { dial } from "./serving.js";

const HEAD = { ":status": 200, "content-type": "application/grpc+proto" };

/** How a stream, or the connection that it is on, ends. */
type Ending = (stream: ServerHttp2Stream, socket: Socket) => void;

const RST: Ending = (_, socket) => socket.resetAndDestroy();
const FIN: Ending = (_, socket) => socket.end();
const READ: Ending = (stream) => {
  const twin = toBinary(
    GetDigitalTwinResponseSchema,
    create(GetDigitalTwinResponseSchema, { digitalTwin: { etag: "e" } }),
  );
  stream.respond(HEAD, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, twin.length]), twin]));
};

/** An ending that comes when the answer has begun. */
const afterHead: (ending: Ending) => Ending = (ending) => (stream, socket) => {
  stream.respond(HEAD);
  setTimeout(() => ending(stream, socket), 50);
};

/** A client of a server whose calls end one after the other so, all further ones as the last, and what the calls are to. */
async function ending(t: TestContext, ...endings: Ending[]): Promise<[TwinfrontClient, string[]]> {
  const calls: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer();
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.on("sessionError", () => {});
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders & { ":path"?: string }) => {
    const socket = sockets.find((candidate) => candidate.remotePort === stream.session?.socket.remotePort);
    calls.push(headers[":path"]?.replace(/^.*\//, "") ?? "");
    stream.on("error", () => {});
    (endings.length > 1 ? endings.shift() : endings[0])!(stream, socket!);
  });
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  return [await dial(t, server), calls];
}

for (const [name, broken] of Object.entries({
  RST,
  FIN,
  "RST after the head": afterHead(RST),
  "FIN after the head": afterHead(FIN),
})) {
  test(`a read is sent again when the connection breaks: ${name}`, async (t) => {
    const [client, calls] = await ending(t, broken, broken, READ);
    assert.equal((await client.digitalTwins.getDigitalTwin({})).digitalTwin?.etag, "e");
    assert.equal(calls.length, 3);
  });

  test(`a write is sent again when the connection breaks: ${name}`, async (t) => {
    const [client, calls] = await ending(t, broken, broken, READ);
    await client.digitalTwins.updateDigitalTwin({});
    assert.equal(calls.length, 3);
  });

  test(`an update whose answer is lost asks for the change once: ${name}`, async (t) => {
    const [client, calls] = await ending(t, READ, broken);
    let changes = 0;
    const change = () => {
      changes++;
      return patch().replace("/a", 1);
    };
    await assert.rejects(updateWithRetry(client, "room-001", change), isOfKind("Unavailable"));
    assert.deepEqual([changes, calls], [1, ["GetDigitalTwin", ...Array(5).fill("UpdateDigitalTwin")]]);
  });
}

test("a server that is not there, or speaks something else, is unavailable", async (t) => {
  const [client] = await ending(t);
  client.close();
  const server = createTcpServer((socket) => socket.destroy());
  const other = await dial(t, server as never);
  await assert.rejects(other.digitalTwins.updateDigitalTwin({}), isOfKind("Unavailable"));
});

test("a stream that the server resets is what the reset says", async (t) => {
  for (const [code, kind] of [
    [constants.NGHTTP2_CANCEL, "Unavailable"],
    [constants.NGHTTP2_REFUSED_STREAM, "Unavailable"],
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, "ResourceExhausted"],
    [constants.NGHTTP2_INTERNAL_ERROR, "Twinfront"],
  ] as const) {
    const [client] = await ending(t, (stream) => stream.close(code));
    await assert.rejects(client.digitalTwins.updateDigitalTwin({}), isOfKind(kind));
  }
});

test("a call that the server ends is unavailable, and not cancelled", async (t) => {
  const ended: Ending = (stream) =>
    stream.respond({ ...HEAD, "grpc-status": "1", "grpc-message": "CANCELLED" }, { endStream: true });
  const [client, calls] = await ending(t, ended, READ, ended);
  assert.equal((await client.digitalTwins.getDigitalTwin({})).digitalTwin?.etag, "e");
  await assert.rejects(client.digitalTwins.updateDigitalTwin({}), (error) => {
    assert(isTwinfrontError(error) && error.kind === "Unavailable");
    assert.equal(error.message, "the server ended the call without an answer: CANCELLED");
    return true;
  });
  assert.deepEqual(calls, ["GetDigitalTwin", "GetDigitalTwin", ...Array(5).fill("UpdateDigitalTwin")]);
});

test("a call that the caller ends is cancelled, and not unavailable", async (t) => {
  const hanging: Ending = (stream) => stream.respond(HEAD);
  const [client] = await ending(t, hanging, hanging);
  await assert.rejects(
    client.digitalTwins.updateDigitalTwin({}, { signal: AbortSignal.abort() }),
    isOfKind("CallCancelled"),
  );
  const aborting = new AbortController();
  setTimeout(() => aborting.abort(), 100);
  await assert.rejects(
    client.digitalTwins.updateDigitalTwin({}, { signal: aborting.signal }),
    isOfKind("CallCancelled"),
  );
});

/** The error of a write that ends with a status and such details, in the head or in trailers. */
async function failure(t: TestContext, isInHead: boolean, trailers: Record<string, string>): Promise<unknown[]> {
  const [client] = await ending(t, (stream) => {
    if (isInHead) {
      stream.respond({ ...HEAD, ...trailers }, { endStream: true });
      return;
    }
    stream.respond(HEAD, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end();
  });
  const error: unknown = await client.digitalTwins.updateDigitalTwin({}).catch((thrown: unknown) => thrown);
  assert(isTwinfrontError(error));
  return [error.kind, error.code, error.reason, error.message];
}

test("details that are none, or of another code, do not hide the status", async (t) => {
  const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { domain: "twinfront", reason: "ETAG_MISMATCH" }));
  const details = (code: Code) =>
    Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, message: "No.", details: [info] }))).toString(
      "base64",
    );
  for (const isInHead of [false, true]) {
    const status = { "grpc-status": String(Code.NotFound), "grpc-message": "Not there." };
    for (const wrong of ["////", "no base64", details(Code.Aborted)]) {
      assert.deepEqual(await failure(t, isInHead, { ...status, "grpc-status-details-bin": wrong }), [
        "NotFound",
        Code.NotFound,
        "",
        "Not there.",
      ]);
    }
    const right = { "grpc-status": String(Code.Aborted), "grpc-status-details-bin": details(Code.Aborted) };
    assert.deepEqual(await failure(t, isInHead, right), ["EtagMismatch", Code.Aborted, "ETAG_MISMATCH", "No."]);
    const unescaped = { "grpc-status": String(Code.NotFound), "grpc-message": "100%" };
    assert.deepEqual(await failure(t, isInHead, unescaped), ["NotFound", Code.NotFound, "", "100%"]);
  }
});

test("a connection that no longer answers is given up soon after a call ran into its deadline", async (t) => {
  let connections = 0;
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => READ(stream, stream.session!.socket as Socket));
  const front = createTcpServer((socket) => {
    if (++connections > 1) {
      server.emit("connection", socket);
    }
    t.after(() => socket.destroy());
  });
  const client = await dial(t, front as never);
  await assert.rejects(client.digitalTwins.getDigitalTwin({}, { timeoutMs: 100 }), isOfKind("DeadlineExceeded"));
  const begun = performance.now();
  assert.equal((await client.digitalTwins.getDigitalTwin({})).digitalTwin?.etag, "e");
  assert.equal(connections, 2);
  assert(performance.now() - begun < 10_000); // and not with the next regular ping
});
