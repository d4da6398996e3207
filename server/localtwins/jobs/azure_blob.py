"""Blobs in Azure Storage, or Azurite, through the official SDK."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceModifiedError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobClient, BlobServiceClient

# Only the storage of Azure's own clouds gets to see the token of this process.
_AZURE = (
    ".blob.core.windows.net",
    ".blob.core.usgovcloudapi.net",
    ".blob.core.chinacloudapi.cn",
    ".blob.storage.azure.net",
)
_LARGEST_BLOCK = 1024 * 1024  # beyond which aiohttp warns that sending bytes holds up the event loop
_LARGEST_PIECE = 4 * 1024 * 1024
_RETRIES: dict[str, Any] = {"retry_total": 3, "initial_backoff": 1, "increment_base": 2}


@asynccontextmanager
async def open_azure_blob(uri: str, connection_string: str | None) -> AsyncIterator["AzureBlob"]:
    """Give the blob of a URI.

    It is reached with the shared access signature in the URI, else with the key of `connection_string` if that is for
    the blob's account, else with DefaultAzureCredential in Azure, else without credentials. Raises OSError.
    """
    async with AsyncExitStack() as stack:
        try:
            credential = await _credential(uri, connection_string, stack)
            client = BlobClient.from_blob_url(
                uri, credential=credential, max_single_get_size=_LARGEST_PIECE, **_RETRIES
            )
        except (ValueError, AzureError) as error:
            raise OSError(_reason(error)) from error
        yield AzureBlob(await stack.enter_async_context(client))


async def _credential(uri: str, connection_string: str | None, stack: AsyncExitStack) -> Any:
    parts = urlsplit(uri)
    if "sig=" in parts.query:
        return None
    if connection_string is not None:
        account = BlobServiceClient.from_connection_string(connection_string)
        async with account:
            if uri.startswith(account.url.rstrip("/") + "/"):
                return account.credential
    if parts.scheme == "https" and (parts.hostname or "").endswith(_AZURE):
        return await stack.enter_async_context(DefaultAzureCredential())
    return None


class AzureBlob:
    """A blob; one that is written becomes an append blob."""

    def __init__(self, client: BlobClient) -> None:
        """Take a client, which the caller closes."""
        self._client = client

    async def version(self) -> str:
        """Give the blob's ETag."""
        try:
            return str((await self._client.get_blob_properties()).etag)
        except AzureError as error:
            raise OSError(_reason(error)) from error

    async def chunks(self, offset: int, version: str) -> AsyncGenerator[bytes]:
        """Read in pieces as the SDK requests them."""
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
        """Append blocks, each where it belongs or not at all."""
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
    """Tell what went wrong without the URI, which may hold a signature."""
    if isinstance(error, HttpResponseError):
        code = getattr(error, "error_code", None) or error.reason or "no reason given"
        return f"the storage answered {error.status_code} {getattr(code, 'value', code)}"
    if isinstance(error, AzureError):
        return f"the storage cannot be reached ({type(error).__name__})"
    return "the URI, or the connection string for it, is malformed"
