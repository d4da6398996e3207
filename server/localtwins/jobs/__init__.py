"""Bulk jobs: importing a graph from a blob, deleting everything, and the import format itself."""
