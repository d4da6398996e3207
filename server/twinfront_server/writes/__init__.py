"""Calls that take several operations of the upstream: merges, conditional replacements, detaching deletes, batches."""
