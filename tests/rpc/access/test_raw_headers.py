"""Headers that no library would send, in HTTP/2 as it is on the wire."""

import asyncio
import struct
from urllib.parse import urlsplit

import pytest
from tests.rpc.serving.echo import SERVICE, EchoServer, eventually
from tests.rpc.serving.test_floods import END_HEADERS, HEADERS, SETTINGS, call, frame

from .asking import INVALID

DATA, END_STREAM = 0, 1
MESSAGE = b"\0" + struct.pack(">I", 0)


def field(name: bytes, value: bytes) -> bytes:
    """A header field, written out."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer \xc3\xa9",
        b"Bearer \xff\xfe",
        "Bearer \u202e".encode(),
        b"Bearer a\x80b.c.d",
        "\uff22earer a.b.c".encode(),
    ],
)
async def test_characters_that_no_token_has_are_refused_and_told_to_no_log(
    echo: EchoServer, value: bytes, caplog: pytest.LogCaptureFixture
):
    address = urlsplit(f"//{echo.address}")
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    headers = call(f"/{SERVICE}/Unary") + field(b"authorization", value)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
    writer.write(frame(HEADERS, END_HEADERS, 1, headers) + frame(DATA, END_STREAM, 1, MESSAGE))
    await writer.drain()
    answered = asyncio.create_task(_of_stream(reader, 1))
    await asyncio.wait_for(answered, 20)
    await eventually(lambda: not echo.chain.in_flight._count)
    assert echo.servicer.calls == []
    [line] = echo.access_lines()
    assert line["reason"] == INVALID
    assert caplog.text == ""
    writer.close()


async def _of_stream(reader: asyncio.StreamReader, stream: int) -> None:
    """Waits for a frame of a stream."""
    while True:
        head = await reader.readexactly(9)
        await reader.readexactly(int.from_bytes(head[:3], "big"))
        if int.from_bytes(head[5:], "big") == stream:
            return
