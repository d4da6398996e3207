import assert from "node:assert/strict";
import { test } from "node:test";

import { type ClientOptions, TwinfrontClient } from "../src/index.js";

const allowed: [string | string[], ClientOptions][] = [
  ["localhost:50051", {}],
  ["127.0.0.1:50051", {}],
  ["[::1]:50051", {}],
  ["localhost", {}],
  ["twins.example.com:443", { insecure: true }],
  ["twins.example.com:443", { tls: true, token: "t" }],
  ["localhost:50051", { insecure: true, token: "t" }],
  [["localhost:50051", "127.0.0.1:50052"], {}],
];
const refused: [string | string[], ClientOptions][] = [
  ["twins.example.com:443", {}],
  ["localhost.example.com:443", {}],
  ["localhost@twins.example.com:443", {}],
  ["localhost:50051@twins.example.com", {}],
  [["localhost:50051", "twins.example.com:443"], {}],
  [[], {}],
  ["", {}],
  ["http://localhost:50051", { insecure: true }],
  ["localhost:50051/path", {}],
  ["::1", {}],
  ["twins.example.com:443", { insecure: true, token: "t" }],
  ["localhost:50051", { token: "t" }],
  ["localhost:50051", { tls: true, insecure: true }],
  ["localhost:50051", { tls: { cert: "cert.pem" } }],
  ["localhost:50051", { tls: { key: "key.pem" } }],
  ["localhost:50051", { tls: { ca: "not-there.pem" } }],
];

for (const [target, options] of allowed) {
  test(`${target} ${JSON.stringify(options)} is allowed`, () => new TwinfrontClient(target, options).close());
}
for (const [target, options] of refused) {
  test(`${target} ${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => new TwinfrontClient(target, options), Error);
  });
}
