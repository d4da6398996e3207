"""The status that an error becomes."""

import base64
import re
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote

import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server.errors import (
    DOMAIN,
    MAX_STATUS_BYTES,
    MAX_TEXT_BYTES,
    TwinfrontError,
    deadline_exceeded,
    entry,
    internal,
    invalid_argument,
    invalid_fields,
    rename_fields,
    resource_info,
    shortened,
    upstream_answer_unexpected,
)
from twinfront_server.reasons import Reason

M = TypeVar("M", bound=Message)
LONGEST_ID = "\U0001f3e2" * 128
IDS = {"digital_twin_id": LONGEST_ID, "relationship_id": LONGEST_ID, "target_id": LONGEST_ID}


def _unpacked(status: Status, kind: type[M]) -> M:
    message = kind()
    found = [detail for detail in status.details if detail.Unpack(message)]
    assert len(found) == 1, f"{len(found)} of {kind.__name__}"
    return message


def _error(details: Sequence[Message] = (), message: str = LONGEST_ID * 8) -> TwinfrontError:
    return TwinfrontError(Reason.TWIN_HAS_RELATIONSHIPS, message, metadata=IDS, details=details)


def _blocking(listed: int, text: str) -> RelationshipsBlockingDelete:
    blocking = RelationshipsBlockingDelete(outgoing_total=40_000, incoming_total=50_000)
    for relationships in (blocking.outgoing, blocking.incoming):
        for _ in range(listed // 2):
            relationships.add(relationship_id=text, source_id=text, target_id=text, name=text)
    return blocking


def test_every_status_names_its_reason_domain_and_ids():
    error = TwinfrontError(Reason.TWIN_NOT_FOUND, "No.", metadata={"digital_twin_id": "a", "relationship_id": ""})
    info = _unpacked(error.status(), ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == ("TWIN_NOT_FOUND", DOMAIN, {"digital_twin_id": "a"})


def test_the_longest_ids_are_whole():
    info = _unpacked(_error().status(), ErrorInfo)
    assert dict(info.metadata) == IDS


def test_blockers_with_the_longest_ids_leave_their_totals():
    status = _error([_blocking(20, LONGEST_ID), PreconditionFailure()]).status()
    blocking = _unpacked(status, RelationshipsBlockingDelete)
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert (blocking.outgoing_total, blocking.incoming_total) == (40_000, 50_000)


def test_blockers_with_usual_ids_are_all_listed():
    status = _error([_blocking(20, "a-usual-id-of-24-letters")], message="Blocked.").status()
    blocking = _unpacked(status, RelationshipsBlockingDelete)
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert (len(blocking.outgoing), len(blocking.incoming)) == (10, 10)


def test_as_many_blockers_as_fit_are_listed():
    blocking = _unpacked(_error([_blocking(20, "x" * 64)], message="Blocked.").status(), RelationshipsBlockingDelete)
    assert 4 <= len(blocking.outgoing) + len(blocking.incoming) < 20


def test_the_longer_list_of_blockers_is_shortened_first_and_from_its_end():
    blocking = RelationshipsBlockingDelete(outgoing_total=18, incoming_total=2)
    for index in range(18):
        blocking.outgoing.add(relationship_id=f"{index:03}" * 100)
    for index in range(2):
        blocking.incoming.add(relationship_id=f"in {index}")
    left = _unpacked(_error([blocking], message="Blocked.").status(), RelationshipsBlockingDelete)
    assert [each.relationship_id for each in left.incoming] == ["in 0", "in 1"]
    assert [each.relationship_id[:3] for each in left.outgoing] == [
        f"{index:03}" for index in range(len(left.outgoing))
    ]
    assert 2 <= len(left.outgoing) < 18


def test_of_blockers_none_has_to_stay_and_of_violations_the_first_one_does():
    blocking = RelationshipsBlockingDelete(outgoing_total=1)
    blocking.outgoing.add(relationship_id="x" * 5000)
    violation = PreconditionFailure.Violation(description="y" * 1000)
    status = _error([blocking, PreconditionFailure(violations=[violation] * 3)], message="Blocked.").status()
    assert len(_unpacked(status, RelationshipsBlockingDelete).outgoing) == 0
    assert 1 <= len(_unpacked(status, PreconditionFailure).violations) <= 3


def test_of_violations_and_quotas_the_first_one_stays_whatever_its_size():
    for detail in (
        PreconditionFailure(violations=[PreconditionFailure.Violation(description=text * 3000) for text in "abc"]),
        QuotaFailure(violations=[QuotaFailure.Violation(description=text * 3000) for text in "abc"]),
        BadRequest(field_violations=[BadRequest.FieldViolation(description=text * 3000) for text in "abc"]),
    ):
        left = _unpacked(TwinfrontError(Reason.INTERNAL, "No.", details=[detail]).status(), type(detail))
        assert str(left).count("description") == 1
        assert '"aaa' in str(left)


@pytest.mark.parametrize(
    "detail",
    [
        PreconditionFailure(violations=[PreconditionFailure.Violation(description="x" * 5000)]),
        QuotaFailure(violations=[QuotaFailure.Violation(description="x" * 5000)]),
        BadRequest(field_violations=[BadRequest.FieldViolation(description="x" * 5000)]),
    ],
    ids=lambda detail: type(detail).__name__,
)
def test_a_list_whose_first_entry_is_too_long_is_left_out_rather_than_empty(detail: Message):
    status = TwinfrontError(Reason.INTERNAL, "No.", details=[detail]).status()
    assert [each.TypeName() for each in status.details] == ["google.rpc.ErrorInfo"]


def test_a_list_of_as_many_as_may_be_listed_is_whole_if_it_fits():
    for count in (20, 21):
        fields = [(f"a[{index}]", "is b") for index in range(count)]
        assert len(_unpacked(invalid_fields(fields).status(), BadRequest).field_violations) == count


def test_of_fifty_violations_the_first_ones_stay():
    fields = {f"patch[{index}].value": f"{index} {LONGEST_ID}" for index in range(50)}
    status = invalid_fields(fields.items(), metadata=IDS).status()
    violations = _unpacked(status, BadRequest).field_violations
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert violations[0].field == "patch[0].value"


def test_thousands_of_violations_are_no_work():
    fields = {f"patch[{index}].value": LONGEST_ID for index in range(20_000)}
    assert invalid_fields(fields.items()).status().ByteSize() < MAX_STATUS_BYTES


def test_a_field_whose_name_is_too_long_is_still_named():
    key = "k" * 100_000
    status = invalid_argument(f'digital_twin.properties["{key}"]', "has no value; set one of its kinds").status()
    assert _unpacked(status, BadRequest).field_violations[0].field.startswith('digital_twin.properties["kkk')


@pytest.mark.parametrize(
    "detail",
    [
        EtagConflict(
            resource=f"digitaltwins/{LONGEST_ID}/relationships/{LONGEST_ID}",
            expected_etag=f'"{"x" * 256}"',
            current_etag=f'W/"{"x" * 36}"',
        ),
        resource_info("twinfront.v1.Model", "dtmi:x;1, " * 10_000, LONGEST_ID * 100),
        PreconditionFailure(
            violations=[PreconditionFailure.Violation(type="T", subject=LONGEST_ID, description=LONGEST_ID)] * 300
        ),
        QuotaFailure(violations=[QuotaFailure.Violation(subject=LONGEST_ID, description=LONGEST_ID)] * 300),
    ],
    ids=lambda detail: type(detail).__name__,
)
def test_no_detail_is_lost_for_its_size(detail: Message):
    status = _error([detail]).status()
    assert status.ByteSize() < MAX_STATUS_BYTES
    _unpacked(status, type(detail))


def test_a_detail_that_nothing_shortens_is_left_out_rather_than_the_reason():
    status = _error([EtagConflict(resource="x" * 10_000)]).status()
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert _unpacked(status, ErrorInfo).reason == "TWIN_HAS_RELATIONSHIPS"


@pytest.mark.parametrize(("size", "details"), [(4095, 2), (4096, 1)])
def test_a_status_has_less_than_4096_bytes(size: int, details: int):
    def error(length: int) -> TwinfrontError:
        return TwinfrontError(Reason.ETAG_MISMATCH, "No.", details=[EtagConflict(resource="x" * length)])

    room = size - (error(3000).status().ByteSize() - 3000)
    assert len(error(room).status().details) == details
    assert details == 1 or error(room).status().ByteSize() == size


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    listed=st.integers(0, 20),
    violations=st.integers(0, 50),
)
def test_a_status_and_its_message_always_fit_into_trailers(text: str, listed: int, violations: int):
    details = [
        _blocking(listed, text[:128]),
        PreconditionFailure(
            violations=[PreconditionFailure.Violation(subject=shortened(text), description=shortened(text))]
            * violations
        ),
    ]
    error = TwinfrontError(Reason.ETAG_MISMATCH, text * 10, metadata=dict.fromkeys(IDS, text[:128]), details=details)
    status = error.status()
    trailers = len(base64.b64encode(status.SerializeToString())) + len(quote(status.message))
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert trailers < 8192 - 512
    assert _unpacked(status, RelationshipsBlockingDelete).incoming_total == 50_000


def _inside(field: str) -> str:
    return f"writes[1].{field}"


def test_fields_that_are_renamed_are_so_in_details_and_message():
    error = invalid_fields([("patch[0].path", "is no pointer"), ("if_match", "is no etag")])
    rename_fields(error, _inside)
    violations = _unpacked(error.status(), BadRequest).field_violations
    assert [violation.field for violation in violations] == ["writes[1].patch[0].path", "writes[1].if_match"]
    assert error.message == "writes[1].patch[0].path: is no pointer; writes[1].if_match: is no etag"


@pytest.mark.parametrize("length", [100, 500, 505, 512, 513, 5000])
def test_long_fields_and_descriptions_are_renamed(length: int):
    error = invalid_fields([("x" * length, "ä" * length), ("patch", "é" * length)])
    rename_fields(error, _inside)
    assert error.message.startswith("writes[1].xxx")
    assert len(error.message.encode()) <= MAX_TEXT_BYTES


def test_a_message_of_the_upstreams_own_stays_when_fields_are_renamed():
    error = invalid_fields([("patch", "No.")], message="patch: No, and here is why.")
    rename_fields(error, _inside)
    assert error.message == "patch: No, and here is why."


def test_a_path_through_the_longest_names_is_told_whole():
    field = entry(f"{entry('digital_twin.components', 'c' * 512)}.properties", "p" * 512)
    error = invalid_fields([(field, "é" * 1000)] * 3, metadata={"digital_twin_id": "x" * 128})
    violations = _unpacked(error.status(), BadRequest).field_violations
    assert {violation.field for violation in violations} == {field}
    assert error.status().ByteSize() < MAX_STATUS_BYTES


def test_a_path_that_is_cut_says_so():
    error = invalid_fields([("x" * 2000, "is unknown")])
    assert [each.field[-2:] for each in _unpacked(error.status(), BadRequest).field_violations] == ["x…"]


def test_a_shortened_text_ends_between_characters():
    assert shortened("ä" * 256) == "ä" * 256
    assert shortened("ä" * 257) == "ä" * 254 + "…"
    assert shortened("x" * 513) == "x" * 509 + "…"
    assert len(shortened("\U0001f3e2" * 1000).encode()) <= 512


def test_a_delay_is_told_to_the_nanosecond():
    error = TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, "No.", retry_after=1.5)
    delay = _unpacked(error.status(), RetryInfo).retry_delay
    assert (delay.seconds, delay.nanos) == (1, 500_000_000)


def test_the_status_has_the_code_of_the_error():
    assert deadline_exceeded().status().code == 4
    assert internal("r").status().code == 13


def test_an_internal_error_tells_the_call_id_and_nothing_else():
    assert "abc" in internal("abc").message


@pytest.mark.parametrize(
    "error",
    [deadline_exceeded(), internal("r"), invalid_argument("f", "d"), upstream_answer_unexpected(200)],
    ids=lambda error: error.reason,
)
def test_the_reasons_of_the_front_s_own_errors_are_in_the_contract(error: TwinfrontError):
    assert f"ERROR_REASON_{error.reason}" in ErrorReason.keys()  # noqa: SIM118  (an enum, no dict)


def test_reasons_have_the_form_of_error_info():
    for name in ErrorReason.keys():  # noqa: SIM118  (an enum, no dict)
        assert re.fullmatch(r"[A-Z][A-Z0-9_]{1,61}[A-Z0-9]", name.removeprefix("ERROR_REASON_"))
