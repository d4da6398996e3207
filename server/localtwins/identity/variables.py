"""The environment variables that make the Azure SDKs of a program talk to localtwins, as a shell takes them."""

import shlex
from collections.abc import Mapping

from localtwins.identity.trust import STORE_PASSWORD, TrustFiles


def client_variables(url: str, identity_url: str, secret: str, trust: TrustFiles | None) -> dict[str, str]:
    """Gives the variables.

    Args:
        url: of the service, under the names by which samples and tutorials look for it.
        identity_url: where tokens are.
        secret: has to be known to get one.
        trust: files for those who have to trust a certificate that was made for development.
    """
    variables = {
        "AZURE_DIGITALTWINS_URL": url,
        "ADT_SERVICE_URL": url,
        "AZURE_URL": url,
        "IDENTITY_ENDPOINT": identity_url,
        "IDENTITY_HEADER": secret,
        "MSI_ENDPOINT": identity_url,
        "MSI_SECRET": secret,
    }
    if trust is None:
        return variables
    # Java splits the variable at blanks, and knows quotes.
    store = shlex.quote(str(trust.java_store))
    java = f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"
    return variables | {
        "REQUESTS_CA_BUNDLE": str(trust.bundle),
        "SSL_CERT_FILE": str(trust.bundle),
        "NODE_EXTRA_CA_CERTS": str(trust.authority),
        "JAVA_TOOL_OPTIONS": java,
    }


def as_shell(variables: Mapping[str, str]) -> str:
    """Gives lines that a POSIX shell can source or evaluate."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
