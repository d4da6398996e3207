/**
 * The Java client of twinfront, a gRPC service in front of Azure Digital Twins.
 *
 * <p>The messages are those of the contract, in package {@code io.twinfront.v1}, with the generated stubs beside them. This
 * package adds what every caller of them needs: {@link io.twinfront.client.TwinfrontClient} with TLS, tokens, keepalive and
 * the retries of the service config; typed errors, in {@link io.twinfront.client.errors}; property values as plain Java
 * values, by {@link io.twinfront.client.Values}; {@link io.twinfront.client.Patch} documents; and lists and streams to iterate
 * over, by {@link io.twinfront.client.Listing} and {@link io.twinfront.client.CloseableIterator}.
 */
package io.twinfront.client;
