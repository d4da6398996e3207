"""Ports for servers that are to be found where they were, or not to be found."""

import atexit
import socket


def reserved_port() -> int:
    """Gives a port of this machine that nobody else is given as long as this process lives.

    It is bound here and not listened on. So whoever names it can listen there, now and after having been killed, and
    until then nobody answers. The system hands it to no connection and to nobody who wants any port: of ports that are
    merely free at the moment some other program has one the next moment.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    atexit.register(reserved.close)
    return int(reserved.getsockname()[1])
