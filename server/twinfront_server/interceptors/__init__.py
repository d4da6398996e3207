"""What every RPC passes on its way to a service and back; `chain` names the links and their order."""
