"""The text at the root of the service, for somebody who looks there with a browser or with curl."""

from importlib import metadata

from aiohttp import web

from localtwins.rest.call import API_VERSIONS


async def front_page(_request: web.Request) -> web.Response:
    """Tells what this is, in plain text."""
    text = (
        f"This is localtwins {metadata.version('twinfront')}: Azure Digital Twins on this machine.\n"
        "\n"
        "It is spoken to in the REST API of Azure Digital Twins, by its SDKs or by hand:\n"
        f"    GET /models?api-version={max(API_VERSIONS)}\n"
        f"API versions: {', '.join(sorted(API_VERSIONS))}\n"
        "Settings: localtwins serve --help\n"
        "Documentation: docs/localtwins.md in the repository of twinfront\n"
    )
    return web.Response(text=text)
