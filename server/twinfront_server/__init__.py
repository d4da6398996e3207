"""The twinfront server: gRPC in front of Azure Digital Twins."""
