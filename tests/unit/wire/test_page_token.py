"""Page tokens."""

import base64

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.relationship_service_pb2 import ListIncomingRelationshipsRequest, ListRelationshipsRequest
from twinfront.v1.representation_pb2 import Representation
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.page_token import PageTokens

KEY = "a key of sixteen characters or more"
REQUEST = ListRelationshipsRequest(digital_twin_id="floor", relationship_name="contains", page_size=10)
PLACE = "https://localhost/digitaltwins/floor/relationships?continuationToken=é".encode()


def _assert_refused(tokens: PageTokens, request: Message, token: str) -> None:
    with pytest.raises(TwinfrontError) as caught:
        tokens.open(request, token)
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert (caught.value.reason, violation.field) == ("PAGE_TOKEN_INVALID", "page_token")


def test_no_token_is_the_start():
    assert PageTokens(KEY).open(REQUEST, "") == b""


@given(st.binary())
def test_a_token_stands_for_its_place(place: bytes):
    tokens = PageTokens(KEY)
    assert tokens.open(REQUEST, tokens.seal(REQUEST, place)) == place


def test_a_token_tells_nothing_to_its_holder():
    token = PageTokens(KEY).seal(REQUEST, PLACE)
    assert b"floor" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def test_page_size_and_page_token_may_change():
    tokens = PageTokens(KEY)
    token = tokens.seal(REQUEST, PLACE)
    following = ListRelationshipsRequest(
        digital_twin_id="floor", relationship_name="contains", page_size=99, page_token=token
    )
    assert tokens.open(following, token) == PLACE


@pytest.mark.parametrize(
    "other",
    [
        ListRelationshipsRequest(digital_twin_id="floor"),
        ListRelationshipsRequest(digital_twin_id="other", relationship_name="contains"),
        ListRelationshipsRequest(
            digital_twin_id="floor",
            relationship_name="contains",
            representation=Representation.REPRESENTATION_JSON,
        ),
        ListIncomingRelationshipsRequest(digital_twin_id="floor"),
        ListModelsRequest(),
    ],
    ids=lambda request: f"{type(request).__name__} {request}".replace("\n", " "),
)
def test_a_token_of_another_request_is_refused(other: Message):
    tokens = PageTokens(KEY)
    _assert_refused(tokens, other, tokens.seal(REQUEST, PLACE))


def test_equal_fields_of_another_kind_of_request_are_another_request():
    tokens = PageTokens(KEY)
    outgoing = ListRelationshipsRequest(digital_twin_id="floor")
    incoming = ListIncomingRelationshipsRequest(digital_twin_id="floor")
    assert outgoing.SerializeToString() == incoming.SerializeToString()
    _assert_refused(tokens, incoming, tokens.seal(outgoing, PLACE))


def test_servers_with_the_same_key_read_each_other_s_tokens():
    assert PageTokens(KEY).open(REQUEST, PageTokens(KEY).seal(REQUEST, PLACE)) == PLACE


def test_a_token_of_another_key_is_refused():
    _assert_refused(PageTokens(KEY + "!"), REQUEST, PageTokens(KEY).seal(REQUEST, PLACE))


def test_without_a_key_each_process_has_its_own():
    _assert_refused(PageTokens(None), REQUEST, PageTokens(None).seal(REQUEST, PLACE))


def test_every_tampered_bit_is_noticed():
    tokens = PageTokens(KEY)
    token = tokens.seal(REQUEST, b"l 1")
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        _assert_refused(tokens, REQUEST, base64.urlsafe_b64encode(changed).rstrip(b"=").decode())


def test_every_truncated_token_is_refused():
    tokens = PageTokens(KEY)
    token = tokens.seal(REQUEST, PLACE)
    for length in range(1, len(token)):
        _assert_refused(tokens, REQUEST, token[:length])


@pytest.mark.parametrize("junk", ["!", "\n", " ", "+", "/", "="])
@pytest.mark.parametrize("place", [0, 7, -1])
def test_a_token_with_something_else_in_between_is_refused(junk: str, place: int):
    token = PageTokens(KEY).seal(REQUEST, PLACE)
    _assert_refused(PageTokens(KEY), REQUEST, token[:place] + junk + token[place:])


@pytest.mark.parametrize("token", ["x", "!", "====", "ä" * 40, "\x00", "a b", "AAAA" * 10, "A" * 100_000, "\U0001f600"])
def test_garbage_is_refused(token: str):
    _assert_refused(PageTokens(KEY), REQUEST, token)


@given(st.text(min_size=1))
def test_no_text_but_a_token_is_taken(token: str):
    _assert_refused(PageTokens(KEY), REQUEST, token)
