"""The REST surface: requests become operations, and their outcomes answers."""
