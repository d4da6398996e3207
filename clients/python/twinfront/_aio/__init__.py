"""The client for asyncio: the methods of the sync client as coroutines."""
