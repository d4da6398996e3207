"""The REST surface: from a request to an operation, and from its outcome to an answer."""
