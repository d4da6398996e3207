"""Tells URLs that can be believed from those that somebody on the way could answer for."""

from urllib.parse import urlsplit

from twinfront_program.address import Address


def is_trusted(url: str) -> bool:
    """Tells whether nobody on the way can change what a URL answers: it is HTTPS, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_here = Address(host, parts.port or 0).is_loopback
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_here))
