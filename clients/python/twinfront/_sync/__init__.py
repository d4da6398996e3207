# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""The client for code without asyncio."""
