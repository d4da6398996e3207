"""Jobs over blobs of Azure Storage, against its emulator."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas

from localtwins import LocalTwins, Settings
from localtwins.allowed_storage import Location
from localtwins.jobs.azure_blob import AzureBlob, open_azure_blob

from ..adt import Adt
from .azurite import ACCOUNT, KEY, azurite, connection_string
from .importing import Jobs, lines, machine, room

CONTAINER = "graphs"
SMALL = b"\n".join(lines(twins=[machine("m")]))
LARGE = b"\n".join(lines(twins=(room(f"room{number}", label="x" * 3000) for number in range(3000))))


class Account:
    """The emulated storage account."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection_string = connection_string(url)

    def blob_url(self, name: str) -> str:
        return f"{self.url}/{CONTAINER}/{name}"

    def signed(self, name: str, **permissions: bool) -> str:
        """The URL of a blob with a shared access signature."""
        signature = generate_blob_sas(
            ACCOUNT,
            CONTAINER,
            name,
            account_key=KEY,
            permission=BlobSasPermissions(**permissions),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        return f"{self.blob_url(name)}?{signature}"

    def upload(self, name: str, content: bytes) -> None:
        with BlobServiceClient.from_connection_string(self.connection_string) as service:
            service.get_blob_client(CONTAINER, name).upload_blob(content, overwrite=True)

    def read(self, name: str) -> bytes:
        with BlobServiceClient.from_connection_string(self.connection_string) as service:
            return service.get_blob_client(CONTAINER, name).download_blob().readall()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with azurite(tmp_path_factory.mktemp("azurite")) as url:
        account = Account(url)
        with BlobServiceClient.from_connection_string(account.connection_string) as service:
            service.create_container(CONTAINER)
        yield account


@asynccontextmanager
async def _jobs(account: Account, storage: str | None) -> AsyncIterator[Jobs]:
    settings = Settings(storage_connection_string=storage, jobs_storage=account.url)
    service = await LocalTwins.open(":memory:", settings)
    yield Jobs(Adt(service), Path())
    await service.close()


async def test_with_shared_access_signatures(account: Account):
    account.upload("in.ndjson", SMALL)
    async with _jobs(account, None) as jobs:
        await jobs.put(
            "one",
            account.signed("in.ndjson", read=True),
            account.signed("log", create=True, add=True, write=True, read=True),
        )
        assert (await jobs.finished("one"))["status"] == "succeeded"
    assert account.read("log").endswith(b'"details":{"status":"Succeeded"}}\n')


async def test_with_a_connection_string(account: Account):
    account.upload("in.ndjson", SMALL)
    account.upload("old.log", b"an old block blob")
    async with _jobs(account, account.connection_string) as jobs:
        await jobs.put("one", account.blob_url("in.ndjson"), account.blob_url("old.log"))
        assert (await jobs.finished("one"))["status"] == "succeeded"
    assert account.read("old.log").count(b"\n") == 8


async def test_a_blob_of_several_pieces(account: Account):
    account.upload("large.ndjson", LARGE)
    async with _jobs(account, account.connection_string) as jobs:
        await jobs.put("one", account.blob_url("large.ndjson"), account.blob_url("large.log"))
        assert (await jobs.finished("one"))["status"] == "succeeded"
        assert jobs.adt.service._database.read.total("digital_twins") == 3000


@pytest.mark.parametrize("storage", [None, "nonsense"])
async def test_without_credentials_the_output_is_refused(account: Account, storage: str | None):
    account.upload("in.ndjson", SMALL)
    async with _jobs(account, storage) as jobs:
        await jobs.put("one", account.blob_url("in.ndjson"), account.blob_url("refused.log"))
        assert (await jobs.finished("one"))["error"]["code"] == "UnableToWriteToOutputBlob"


async def test_an_input_that_is_not_there(account: Account):
    async with _jobs(account, account.connection_string) as jobs:
        await jobs.put("one", account.blob_url("nothing"), account.blob_url("one.log"))
        error = (await jobs.finished("one"))["error"]
    assert error["code"] == "UnableToReadInputBlob"
    assert "404 BlobNotFound" in error["message"]


async def test_blobs_in_folders_are_found_however_the_folder_is_written(account: Account):
    account.upload("in folder/a.ndjson", SMALL)
    async with _jobs(account, account.connection_string) as jobs:
        for number, name in enumerate(("in%20folder/a.ndjson", "in%20folder%2Fa.ndjson")):
            await jobs.put(f"job{number}", account.blob_url(name), account.blob_url(f"folder{number}/a.log"))
            assert (await jobs.finished(f"job{number}"))["status"] == "succeeded"
            assert account.read(f"folder{number}/a.log")


async def test_an_error_does_not_repeat_a_signature(account: Account):
    async with _jobs(account, account.connection_string) as jobs:
        await jobs.put("one", account.signed("nothing", read=True), account.blob_url("one.log"))
        error = (await jobs.finished("one"))["error"]
    assert "sig=" not in error["message"]
    assert b"sig=" not in account.read("one.log")


@pytest.fixture
async def blob(account: Account) -> AsyncIterator[AzureBlob]:
    location = Location.parse(account.blob_url("a.log"))
    async with open_azure_blob(location, "", account.connection_string) as blob:
        yield blob


async def test_what_is_there_already_is_not_appended_again(account: Account, blob: AzureBlob):
    await blob.append(b"one\n", 0)
    await blob.append(b"two\n", 4)
    await blob.append(b"two\nthree\n", 4)
    assert account.read("a.log") == b"one\ntwo\nthree\n"


async def test_an_append_that_does_not_fit_is_refused(blob: AzureBlob):
    await blob.append(b"one\n", 0)
    for offset in (1, 7):
        with pytest.raises(OSError, match="changed meanwhile"):
            await blob.append(b"x", offset)


async def test_more_than_a_block_is_appended_in_blocks(account: Account, blob: AzureBlob):
    data = bytes(range(256)) * 20_000
    await blob.append(data, 0)
    assert account.read("a.log") == data


async def test_reading_from_an_offset(account: Account, blob: AzureBlob):
    account.upload("a.log", b"0123456789")
    version = await blob.version()
    assert [chunk async for chunk in blob.chunks(4, version)] == [b"456789"]
    assert [chunk async for chunk in blob.chunks(10, version)] == []


async def test_an_empty_blob_has_no_chunks(account: Account, blob: AzureBlob):
    account.upload("a.log", b"")
    assert [chunk async for chunk in blob.chunks(0, await blob.version())] == []


async def test_another_version_is_not_read(account: Account, blob: AzureBlob):
    account.upload("a.log", b"0123456789")
    version = await blob.version()
    account.upload("a.log", b"9876543210")
    with pytest.raises(OSError, match="412"):
        _ = [chunk async for chunk in blob.chunks(0, version)]
