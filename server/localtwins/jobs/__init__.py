"""Bulk jobs: imports of a graph from a blob, deletions of everything, and the import format itself."""
