"""The types of settings of `twinfront serve` that are more than numbers and texts."""

import re
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from twinfront_program.address import Address, parse_place
from twinfront_program.kafka_url import FORM as KAFKA_FORM
from twinfront_program.kafka_url import PREFIXES as KAFKA_PREFIXES
from twinfront_program.kafka_url import KafkaUrl
from twinfront_program.settings import REPEATABLE, Listed, joined, listed, several_of
from twinfront_program.trusted_url import is_trusted
from twinfront_program.values import FINITE, After, Before, of_length, within


def _address_or_none(value: str) -> str:
    return value if value == "none" else str(Address.parse(value))


def _place(value: str) -> str:
    return str(parse_place(value))


def _file_mode(value: str) -> str:
    if not _MODE.fullmatch(value):
        raise ValueError(f"{value!r} is no mode of a file: three octal digits, such as 0660")
    return value


def _upstream(value: str) -> str:
    if value == "local":
        return value
    if "@" in value:
        # Not repeated here: it may be a password.
        raise ValueError("the URL has credentials in it, which it must not; see --upstream-credential")
    try:
        url = urlsplit(value)
        sound = url.scheme in {"http", "https"} and bool(url.hostname)
    except ValueError:
        sound = False
    if not sound:
        raise ValueError(f"{value!r} is neither 'local' nor the URL of an Azure Digital Twins instance (https://…)")
    return value.rstrip("/")


def _key_place(value: str) -> str:
    if "://" in value and "@" in value.partition("://")[2].partition("/")[0]:
        # Not repeated here: it may be a password.
        raise ValueError("the URL has credentials in it, which it must not: it is shown, and logged")
    if "://" in value and not is_trusted(value):
        raise ValueError(f"{value!r} is neither an https:// URL nor one of this machine")
    return value


def _outcomes(value: str) -> str:
    if value == "memory":
        return value
    problem = "is neither 'memory' nor the URL of a Redis: redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss://"
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        raise ValueError(problem) from None  # the value is not repeated: there may be a password in it
    database = url.path.removeprefix("/")
    sound = url.scheme in {"redis", "rediss"} and bool(url.hostname) and not url.query and not url.fragment
    if not sound or not (database == "" or (database.isdecimal() and database.isascii())):
        raise ValueError(problem)
    return value


def _changes(value: str) -> str:
    if "@" in value:
        # Not repeated here: it may be a password.
        raise ValueError("the URL has credentials in it, which it must not: it is shown; see --changes-user")
    if value.startswith(KAFKA_PREFIXES):
        return str(KafkaUrl.parse(value))
    try:
        url = urlsplit(value)
        asked = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
        sound = url.scheme == "eventhub" and bool(_HOST_NAME.fullmatch(url.netloc)) and not url.fragment
    except ValueError:
        sound = False
    if not sound:
        raise ValueError(f"{value!r} is neither {EVENT_HUB_FORM} nor {KAFKA_FORM}")
    if not _HUB.fullmatch(url.path.removeprefix("/")) or [(name, bool(value)) for name, value in asked] not in _ASKED:
        raise ValueError(f"{value!r} does not name an Event Hub, or more than that: {EVENT_HUB_FORM}")
    return value


def _authorizer(value: str) -> str:
    problem = "is no URL of a policy system: grpc://HOST:PORT, or grpcs://HOST:PORT"
    if "@" in value:
        # Not repeated here: it may be a password.
        raise ValueError("the URL has credentials in it, which it must not: it is shown, and logged")
    scheme, separator, address = value.partition("://")
    try:
        place = Address.parse(address)
    except ValueError:
        raise ValueError(f"{value!r} {problem}") from None
    if scheme not in {"grpc", "grpcs"} or not separator or not place.port or not _HOST.fullmatch(place.host):
        raise ValueError(f"{value!r} {problem}")
    return f"{scheme}://{place}"


def _header_names(value: str | None) -> str | None:
    names = [name.lower() for name in listed(value)]
    for name in names:
        if not _HEADER.fullmatch(name) or name.endswith("-bin"):
            raise ValueError(f"{name!r} is no key of metadata that is text")
    return ",".join(dict.fromkeys(names)) or None


def _audiences(value: str | None) -> str | None:
    if "" in listed(value):
        raise ValueError("one of the audiences has no name")
    return value


_ASKED: Final[tuple[list[tuple[str, bool]], ...]] = ([], [("consumer_group", True)])
EVENT_HUB_FORM: Final = "eventhub://NAMESPACE.servicebus.windows.net/HUB[?consumer_group=NAME]"

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9.-]{1,253}")
_HUB: Final = re.compile(r"[A-Za-z0-9._-]{1,256}")
_HOST: Final = re.compile(r"[\w.:%-]+")
_HEADER: Final = re.compile(r"[a-z0-9_.-]+", re.ASCII)
_MODE: Final = re.compile(r"0?[0-7]{3}", re.ASCII)

ListenPlace = Annotated[str, After(_place)]
FileMode = Annotated[str, After(_file_mode)]
Rate = Annotated[float, FINITE, within(ge=0)]
OptionalListenAddress = Annotated[str, After(_address_or_none)]
Auth = Annotated[str, Before(joined), After(several_of("jwt", "mtls")), REPEATABLE]
Exemptions = Annotated[str, Before(joined), After(several_of("reflection", "metrics")), REPEATABLE]
Audiences = Annotated[Listed, After(_audiences)]
KeyPlace = Annotated[str, After(_key_place)]
AuthorizerUrl = Annotated[str, After(_authorizer)]
HeaderNames = Annotated[Listed, After(_header_names)]
ClaimName = Annotated[str, of_length(1)]
UpstreamName = Annotated[str, After(_upstream)]
ChangesUrl = Annotated[str, After(_changes)]
OutcomesName = Annotated[str, After(_outcomes)]
