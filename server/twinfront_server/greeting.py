"""Tells the person who started a server where it is, who may call it, and some calls to try."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twinfront_program.address import Address, Place, UnixSocket
from twinfront_program.settings import listed
from twinfront_server import __version__
from twinfront_server.settings import Settings

_EXAMPLE_METHOD: Final = "twinfront.v1.ModelService/ListModels"
_EXAMPLE: Final = Path("clients/python/examples/manage_twins.py")

_SEEN: Final[Mapping[str, str]] = {
    "default": "this server, by its own identity",
    "on-behalf-of": "whoever calls (--upstream-credential on-behalf-of)",
    "none": "nobody (--upstream-credential none)",
}


def greeting(settings: Settings, address: Place, mtls_address: Address | None, metrics_address: Address | None) -> str:
    """Gives the lines for a person once the server is up: where it is, for whom, and what to try next, ready to paste.

    Args:
        settings: the settings.
        address: where it serves.
        mtls_address: where it serves callers with certificates, if that is somewhere else.
        metrics_address: where its metrics are, if anywhere.
    """
    target = address.reachable()
    data = f", data in {settings.data_dir}" if settings.upstream == "local" else ""
    lines = [
        f"twinfront {__version__} is serving on {address} (upstream {settings.upstream}{data})",
        f"  who may call: {_callers(settings, address, mtls_address)}",
        f"  what they may do: {_rights(settings)}",
    ]
    if settings.upstream != "local":
        lines.append(f"  who the upstream sees: {_SEEN[settings.upstream_credential]}")
    lines += ["", "Try next:"]
    if settings.reflection:
        lines += [
            f"  grpcurl {_grpcurl_options(settings)} {_grpcurl_target(target)} {_EXAMPLE_METHOD}",
            f"  {_program('buf')} curl --protocol grpc {_buf_options(settings, target)}/{_EXAMPLE_METHOD}",
        ]
    if _EXAMPLE.exists() and "jwt" not in settings.auth_kinds:
        lines.append(f"  {_program('python')} {_EXAMPLE}{_example_options(settings, target)}")
    if metrics_address is not None:
        lines.append(f"  curl http://{metrics_address.reachable()}/metrics")
    return "\n".join([*lines, ""])


def _callers(settings: Settings, address: Place, mtls_address: Address | None) -> str:
    """Says who is let in, and how calls travel."""
    how = "in the clear" if settings.tls_cert is None else "over TLS"
    certified = f"a client certificate of {settings.tls_client_ca}"
    if "jwt" in settings.auth_kinds:
        token = f"a token of {settings.jwt_issuer} for {' or '.join(listed(settings.jwt_audience))}"
        if mtls_address is not None:
            return f"whoever has {token}, {how}; on {mtls_address} whoever has {certified}"
        return f"whoever has {token}{f' and {certified}' if settings.tls_client_ca else ''}, {how}"
    if settings.tls_client_ca is not None:
        return f"whoever has {certified}, {how}"
    return f"everybody {_reaching(address)}, {how} (--auth none)"


def _reaching(address: Place) -> str:
    if isinstance(address, UnixSocket):
        return "on this machine who may write to the socket"
    return "on this machine" if address.is_loopback else "who reaches it"


def _rights(settings: Settings) -> str:
    """Says what decides what callers may do."""
    asked = f", as far as {settings.authorize} permits it (--authorize)" if settings.authorize is not None else ""
    return _own_rights(settings) + asked


def _own_rights(settings: Settings) -> str:
    if settings.auth_kinds == {"none"}:
        return "everything"
    if settings.policy is not None:
        return f"what {settings.policy} says (--policy)"
    if "jwt" not in settings.auth_kinds:
        return "nothing, since certificates name no roles: give a --policy"
    return f"what the roles in their tokens say (claim {settings.jwt_roles_claim})"


def _program(name: str) -> str:
    """Finds a program as a shell in this folder does: the environment's own if it has one, else the one on the PATH."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        return name
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _grpcurl_options(settings: Settings) -> str:
    token = _with_token(settings, " -H 'authorization: Bearer TOKEN'")
    if settings.tls_cert is None:
        return f"-plaintext{token}"
    return f"-cacert {settings.tls_cert}{_with_certificate(settings, ' -cert client.pem -key client.key')}{token}"


def _grpcurl_target(target: Place) -> str:
    return f"-unix {shlex.quote(target.path)}" if isinstance(target, UnixSocket) else str(target)


def _buf_options(settings: Settings, target: Place) -> str:
    options = _with_token(settings, "--header 'authorization: Bearer TOKEN' --reflect-header '*' ")
    host = str(target)
    if isinstance(target, UnixSocket):
        options, host = f"{options}--unix-socket {shlex.quote(target.path)} ", "localhost"
    if settings.tls_cert is None:
        return f"{options}--http2-prior-knowledge http://{host}"
    client = _with_certificate(settings, " --cert client.pem --key client.key")
    return f"{options}--cacert {settings.tls_cert}{client} https://{host}"


def _example_options(settings: Settings, target: Place) -> str:
    options = f" --address {shlex.quote(str(target))}"
    if settings.tls_cert is not None:
        options += f" --tls-ca {settings.tls_cert}"
        options += _with_certificate(settings, " --tls-cert client.pem --tls-key client.key")
    return options


def _with_token(settings: Settings, words: str) -> str:
    """Gives the words if callers at `--listen` need a token."""
    return words if "jwt" in settings.auth_kinds else ""


def _with_certificate(settings: Settings, words: str) -> str:
    """Gives the words if callers at `--listen` need a certificate."""
    return words if settings.tls_client_ca is not None and settings.mtls_listen is None else ""
