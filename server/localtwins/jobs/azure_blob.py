"""Blobs in Azure Storage, or Azurite, through the official SDK."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceModifiedError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from localtwins.allowed_storage import Location

_AZURE: Final = (
    ".blob.core.windows.net",
    ".blob.core.usgovcloudapi.net",
    ".blob.core.chinacloudapi.cn",
    ".blob.storage.azure.net",
)
"""Only the storage of Azure's own clouds gets to see the token of this process."""
_LARGEST_BLOCK: Final = 1024 * 1024
"""Of more bytes aiohttp warns that sending them holds up the event loop."""
_LARGEST_PIECE: Final = 4 * 1024 * 1024
_PIPELINE: Final[dict[str, Any]] = {
    "permit_redirects": False,
    "use_env_settings": False,
    "connection_timeout": 3,
    "read_timeout": 20,
    "retry_total": 2,
    "initial_backoff": 0.5,
    "increment_base": 1,
    "random_jitter_range": 0.5,
}
"""Options that fetch a blob from that very place: no redirects, no proxy or .netrc of the environment.

Storage that is not there is given up soon, since no other job runs meanwhile.
"""


@asynccontextmanager
async def open_azure_blob(location: Location, query: str, connection_string: str | None) -> AsyncIterator["AzureBlob"]:
    """Gives the blob of a URL.

    It is reached with the shared access signature in the query, else with the key of `connection_string` if that is for
    the blob's account, else with DefaultAzureCredential in Azure, else without credentials.

    Raises:
        OSError: the URL names no blob, or the blob cannot be reached.
    """
    url = f"{location.url()}?{query}" if query else location.url()
    async with AsyncExitStack() as stack:
        try:
            credential = await _credential(location, query, connection_string, stack)
            client = BlobClient.from_blob_url(
                url, credential=credential, max_single_get_size=_LARGEST_PIECE, **_PIPELINE
            )
            asked_for = Location.parse(client.url.partition("?")[0])
        except (ValueError, AzureError) as error:
            raise OSError(_reason(error)) from error
        if asked_for != location:  # the SDK takes the URL apart by rules of its own and builds another
            raise OSError("the URL does not name an account, a container and a blob")
        yield AzureBlob(await stack.enter_async_context(client))


async def _credential(location: Location, query: str, connection_string: str | None, stack: AsyncExitStack) -> Any:
    if "sig=" in query:
        return None
    if connection_string is not None:
        account = BlobServiceClient.from_connection_string(connection_string)
        async with account:
            if Location.parse(account.url.rstrip("/")).covers(location):
                return account.credential
    if location.scheme == "https" and location.host.endswith(_AZURE):
        return await stack.enter_async_context(DefaultAzureCredential())
    return None


class AzureBlob:
    """Reads and writes a blob; one that is written becomes an append blob.

    Args:
        client: the caller closes it.
    """

    def __init__(self, client: BlobClient) -> None:
        self._client = client

    async def version(self) -> str:
        """Gives the blob's ETag."""
        try:
            return str((await self._client.get_blob_properties()).etag)
        except AzureError as error:
            raise OSError(_reason(error)) from error

    async def chunks(self, offset: int, version: str) -> AsyncGenerator[bytes]:
        """Reads in pieces as the SDK requests them."""
        condition: dict[str, Any] = {"etag": version, "match_condition": MatchConditions.IfNotModified}
        try:
            if offset >= (await self._client.get_blob_properties(**condition)).size:
                return
            download = await self._client.download_blob(offset=offset, **condition)
            async for chunk in download.chunks():
                yield chunk
        except AzureError as error:
            raise OSError(_reason(error)) from error

    async def append(self, data: bytes, offset: int) -> None:
        """Appends blocks, each where it belongs or not at all."""
        end = offset + len(data)
        try:
            if offset == 0:
                await self._client.create_append_blob()
            size = await self._size()
            while offset <= size < end:
                block = data[size - offset :][:_LARGEST_BLOCK]
                try:
                    await self._client.append_block(block, appendpos_condition=size)
                except ResourceModifiedError:
                    # Perhaps the answer to the same block was lost and the SDK sent it again.
                    if await self._size() != size + len(block):
                        raise
                size += len(block)
        except AzureError as error:
            raise OSError(_reason(error)) from error
        if size != end:
            raise OSError("the blob was changed meanwhile")

    async def _size(self) -> int:
        return int((await self._client.get_blob_properties()).size)


def _reason(error: Exception) -> str:
    """Tells what went wrong without the URI, which may hold a signature."""
    if isinstance(error, HttpResponseError):
        code = getattr(error, "error_code", None) or error.reason or "no reason given"
        return f"the storage answered {error.status_code} {getattr(code, 'value', code)}"
    if isinstance(error, AzureError):
        return f"the storage cannot be reached ({type(error).__name__})"
    return "the URI, or the connection string for it, is malformed"
