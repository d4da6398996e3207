"""The audit of what is delivered: `make audit`."""
