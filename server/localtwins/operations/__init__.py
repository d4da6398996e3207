"""What the service's operations do inside a transaction: the checks in their order, then the change."""
