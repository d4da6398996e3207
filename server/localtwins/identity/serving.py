"""`localtwins serve --identity`: the endpoint, the files that clients need, and how to tell them."""

from contextlib import AsyncExitStack
from pathlib import Path

from localtwins.certificate import DevelopmentCertificate
from localtwins.files import replace_file
from localtwins.identity.endpoint import IdentityServer
from localtwins.identity.secret import kept_secret
from localtwins.identity.trust import TrustFiles, write_trust_files
from localtwins.identity.variables import as_shell, client_variables
from localtwins.settings import Settings
from twinfront_program.address import Address
from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError


async def start_identity(
    settings: Settings,
    address: Address,
    url: str,
    made: DevelopmentCertificate | None,
    folder: Path,
    stack: AsyncExitStack,
    log: Log,
) -> str:
    """Hands out tokens until the stack ends.

    Args:
        settings: of the service.
        address: where to listen.
        url: of the service, for its clients.
        made: its certificate, if that is one that clients have to be made to trust.
        folder: where the secret is kept.
        stack: ends the server, and takes back the file of variables.
        log: takes each request that the settings want to be logged.

    Returns:
        What the operator has to know.

    Raises:
        StartupError: it cannot listen, or a file cannot be written.
    """
    secret, trust = _what_clients_need(folder, made)
    server = IdentityServer(address, secret, settings.log_requests, log)
    stack.push_async_callback(server.stop)
    await server.start()
    variables = as_shell(client_variables(url, server.url, secret, trust))
    if settings.env_file is None:
        return f"For programs that are to use it with DefaultAzureCredential:\n{variables}"
    file = Path(settings.env_file)
    try:
        replace_file(file, variables.encode(), 0o600)
    except OSError as error:
        raise StartupError(f"--env-file {file} cannot be written: {error.strerror or error}.") from error
    stack.callback(file.unlink, missing_ok=True)
    return f"For programs that are to use it with DefaultAzureCredential, source {file}"


def _what_clients_need(folder: Path, made: DevelopmentCertificate | None) -> tuple[str, TrustFiles | None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        secret = kept_secret(folder / "identity-secret")
        return secret, None if made is None else write_trust_files(made.authority.resolve())
    except (OSError, ValueError) as error:
        raise StartupError(f"What clients need cannot be written to {folder}: {error}.") from error
