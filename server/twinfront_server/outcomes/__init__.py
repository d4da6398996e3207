"""Outcomes of writes with a `request_id`: those that this process keeps, and those that replicas share."""
