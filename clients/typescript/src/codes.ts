import { Code } from "@connectrpc/connect";

/** The name of a code as the gRPC specification has it: `NOT_FOUND`. */
export function codeName(code: Code): string {
  return code === Code.Canceled ? "CANCELLED" : Code[code].replace(/(?<=.)[A-Z]/g, "_$&").toUpperCase();
}
