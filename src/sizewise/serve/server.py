"""The web server, until it is stopped."""

import contextlib
import socket
from typing import TYPE_CHECKING

from sizewise.config import DataConfig
from sizewise.errors import UserError

if TYPE_CHECKING:
    from sizewise.serve.app import Network

LOCAL = ("127.0.0.1", "localhost", "::1")


def check_port(host: str, port: int) -> None:
    """Check that a port is free, before anything is loaded.

    Raises:
        UserError: it is not, or there is no such port or host.
    """
    if not 0 < port < 65536:
        raise UserError(f"--port {port} is out of range; expected 1 to 65535")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise UserError(f"--host {host} is not known here ({error.strerror})") from error
    except OSError as error:
        raise UserError(
            f"{host}:{port} can't be listened on ({(error.strerror or str(error)).lower()}); "
            f"choose another with --port {port % 65535 + 1}"
        ) from error


def serve(networks: "list[Network]", data: DataConfig, host: str, port: int) -> None:
    """Serve networks at http://HOST:PORT until Ctrl-C.

    Raises:
        UserError: the networks can't be asked the same.
    """
    import torch
    import uvicorn

    from sizewise.serve.app import create_app, shelf_of

    torch.set_num_threads(1)  # threads that wait for each other cost a single sample more than help
    shelf = shelf_of(networks, data)
    names = ", ".join(each.record.name for each in shelf.served)
    note = "" if host in LOCAL else "; whoever reaches this machine can reach it"
    print(f"http://{host}:{port}  serves {names}\n(Ctrl-C stops it{note})", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(create_app(shelf), host=host, port=port, log_level="warning")
