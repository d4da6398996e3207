"""Entity tags."""

import uuid

from localtwins.engine.etag import new_etag


def test_a_new_etag_is_a_random_guid_that_is_weak():
    etags = {new_etag() for _ in range(1_000)}
    assert len(etags) == 1_000
    for etag in etags:
        text = etag.removeprefix('W/"').removesuffix('"')
        assert etag == f'W/"{text}"'
        guid = uuid.UUID(text)
        assert (str(guid), guid.version, guid.variant) == (text, 4, uuid.RFC_4122)
    assert {etag[22] for etag in etags} == set("89ab")
