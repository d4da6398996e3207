"""The Python client of twinfront."""
