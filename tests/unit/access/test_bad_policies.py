"""A policy that cannot be used is refused with the field and the value that are why."""

from pathlib import Path

import pytest

from twinfront_server.access.policy_document import PolicyError
from twinfront_server.access.policy_text import MAX_BYTES, parse_yaml, read_text

from .policies import policy

HEAD = "version: 1\nbindings:\n"

WRONG = {
    "an unknown role": (
        HEAD + "- {role: admin, to: {groups: [a]}}",
        "bindings[0].role: 'admin' is no role; there are reader, writer, modeller, operator",
    ),
    "an unknown permission": (
        "version: 1\nroles: {mine: {permissions: [twins.burn]}}\nbindings: []",
        "roles.mine.permissions[0]: input should be 'twins.read', 'twins.write',",
    ),
    "a role that there is already": (
        "version: 1\nroles: {reader: {permissions: [twins.read]}}\nbindings: []",
        "roles.reader: is a role already",
    ),
    "a model that is no DTMI": (
        HEAD + "- {role: reader, to: {groups: [a]}, within: {models: [Pump]}}",
        "bindings[0].within.models[0]: string should match pattern '^dtmi:[A-Za-z0-9:_]+;[0-9.]+$' (it is 'Pump')",
    ),
    "a principal of no kind": (
        HEAD + "- {role: reader, to: {principals: [alice]}}",
        "bindings[0].to.principals[0]: string should match pattern '^(jwt|mtls):.' (it is 'alice')",
    ),
    "a misspelt field": (
        HEAD + "- {role: reader, to: {group: [a]}}",
        "bindings[0].to.group: extra inputs are not permitted (it is ['a'])",
    ),
    "a binding to nobody": (HEAD + "- {role: reader, to: {}}", "bindings[0].to: names nobody"),
    "an empty list of groups": (HEAD + "- {role: reader, to: {groups: []}}", "bindings[0].to.groups: list should have"),
    "bounds that bound nothing": (
        HEAD + "- {role: reader, to: {groups: [a]}, within: {}}",
        "bindings[0].within: limits nothing",
    ),
    "an empty prefix": (
        HEAD + "- {role: reader, to: {groups: [a]}, within: {ids: ['']}}",
        "bindings[0].within.ids[0]: string should have at least 1 character (it is '')",
    ),
    "a number in place of a name": (
        HEAD + "- {role: reader, to: {groups: [7]}}",
        "bindings[0].to.groups[0]: input should be a valid string (it is 7)",
    ),
    "another version": ("version: 2\nbindings: []", "version: input should be 1 (it is 2)"),
    "no bindings": ("version: 1", "bindings: field required"),
    "a list": ("[]", "is no policy"),
    "nothing": ("", "is no policy"),
    "an alias": ("version: 1\nbindings: [&a {role: r}, *a]", "line 2, column 26: aliases are not taken"),
    "a name twice": ("version: 1\nversion: 1\nbindings: []", "line 2, column 1: 'version' is there twice"),
    "a list as a name": ("? [a]\n: b", "line 1, column 3: a name has to be a text"),
    "no number with the tag of one": ("version: !!int", "line 1, column 10: tags such as tag:yaml.org,2002:int are"),
    "no time with the tag of one": ("version: !!timestamp x", "tags such as tag:yaml.org,2002:timestamp are not taken"),
    "a tag of a type": (
        "version: !!python/object/apply:os.system [id]",
        "line 1, column 10: tags such as tag:yaml.org,2002:python/object/apply:os.system are not taken",
    ),
    "text that ends too early": ("version: [1", "line 1, column 12: expected ',' or ']'"),
    "two documents": ("version: 1\n---\nversion: 1", "line 2, column 1: but found another document"),
    "a date that there is not": ("version: 2026-13-45", "version: input should be 1 (it is '2026-13-45')"),
    "HTML": ("<!doctype html><html></html>", "is no policy"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_policy_is_refused_by_its_field_and_value(name: str):
    text, complaint = WRONG[name]
    with pytest.raises(PolicyError) as refusal:
        policy(text)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("kinds", "to", "complaint"),
    [
        (("mtls",), "{claims: {tid: [acme]}}", "bindings[0].to.claims: 'tid' is known of nobody without --auth jwt"),
        (("mtls",), "{groups: [staff]}", "bindings[0].to.groups: 'staff' is known of nobody without --auth jwt"),
        (("mtls",), '{principals: ["jwt:a"]}', "to.principals[0]: 'jwt:a' can be nobody without --auth jwt"),
        (("jwt",), '{principals: ["mtls:a"]}', "to.principals[0]: 'mtls:a' can be nobody without --auth mtls"),
    ],
)
def test_a_binding_that_can_fit_nobody_is_refused(kinds: tuple[str, ...], to: str, complaint: str):
    with pytest.raises(PolicyError) as refusal:
        policy(HEAD + f"- {{role: reader, to: {to}}}", kinds)
    assert complaint in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        read_text(tmp_path / "policy.yaml")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path):
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PolicyError, match=f"larger than {MAX_BYTES} bytes"):
        read_text(file)


def test_a_file_of_no_text_is_refused(tmp_path: Path):
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match="UTF-8"):
        read_text(file)


def test_a_text_that_is_all_brackets_is_refused_for_its_depth():
    with pytest.raises(PolicyError, match="more than 20 deep"):
        parse_yaml("[" * 100_000)


@pytest.mark.parametrize("name", ["no", "on", "2026-01-01", "1:30", "0x10", "1.5", "1_000", "=", "9" * 19])
def test_what_only_old_yaml_takes_for_another_type_is_a_text(name: str):
    assert parse_yaml(f"[{name}]") == [name]


def test_short_numbers_switches_and_nothing_need_no_quotes():
    assert parse_yaml("[0, -12, true, false, null, ~, ]") == [0, -12, True, False, None, None]
    assert parse_yaml("a:") == {"a": None}
