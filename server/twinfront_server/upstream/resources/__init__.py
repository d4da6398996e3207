"""The operations on each kind of resource: the parts of an `Upstream`."""
