"""Links that every RPC passes on its way to a service and back; `chain` names them and their order."""
