/**
 * The TypeScript client of twinfront, a gRPC service in front of Azure Digital Twins.
 *
 * @packageDocumentation
 */
export { type Resource, isDigitalTwin } from "./cached_graph.js";
export { type ClientOptions, type TlsOptions, TwinfrontClient, VERSION } from "./client.js";
export * from "./errors.js";
export { importGraph, type ImportItem } from "./imports.js";
export { items, type List, pages, exportGraph, streamQuery, type UpdateOptions, updateWithRetry } from "./iteration.js";
export { patch, Patch, type Path } from "./patch.js";
export { pointer } from "./pointer.js";
export type { TokenSource } from "./transport.js";
export { TwinCache, type TwinCacheOptions } from "./twin_cache.js";
export { asDouble, fromValue, fromValues, type PlainValue, toValue, toValues, ValueError } from "./values.js";
export { watch, type WatchItem } from "./watch.js";
