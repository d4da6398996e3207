"""Finds out who calls: principals, and the credentials by which they are known."""
