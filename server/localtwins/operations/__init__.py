"""The service's operations inside a transaction: the checks in their order, then the change."""
