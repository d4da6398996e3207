// Package twinfront is the Go client of twinfront, a gRPC service in front of Azure Digital Twins.
//
//	client, err := twinfront.Dial("localhost:50051")
//	if err != nil { … }
//	defer client.Close()
//
//	answer, err := client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: "room-001"})
//
// The calls are those of the generated stubs in package twinfrontv1. This package adds what every caller of them needs:
// [Dial] with TLS, tokens, keepalive and calls that are sent again; typed errors for all calls of a [Client];
// property values as plain Go values ([ToValue], [FromValue]); [Patch] documents; lists and streams as iterators
// ([Items], [Pages], [StreamQuery], [ExportGraph], [ImportGraph]); and [UpdateWithRetry].
package twinfront
