"""``make run``: make ready what is missing, say where to go, and serve.

Imports little at the top: the transcoder's process loads the program's main module again.
"""

from __future__ import annotations

import argparse
import errno
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicechat.first_start import Login

BASE_DIR = Path(__file__).resolve().parent.parent

WELCOME = """
  voicechat

    Chat    http://{host}:{port}/
    Review  http://{host}:{port}/admin/    {login}

  Stop it with Ctrl-C.

"""


def main() -> None:
    arguments = argparse.ArgumentParser(description="Start voicechat on this machine.")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=_port, default=8000)
    address = arguments.parse_args()
    require_free(address.host, address.port)
    os.umask(0o077)  # what people say here is for no other user of this machine
    write_settings(Path(os.environ.get("VOICECHAT_DATA_DIR", BASE_DIR / "var")).resolve())
    login = make_ready()
    _say(WELCOME.format(host=address.host, port=address.port, login=_how_to_log_in(login)))
    from voicechat.server import serve  # noqa: PLC0415

    serve(address.host, address.port)


def require_free(host: str, port: int) -> None:
    """Exit with a sentence if the address cannot be listened on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                sys.exit(
                    f"Port {port} is in use by another program, perhaps another voicechat. "
                    f"Choose another: make run PORT={port + 1}"
                )
            sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}.")


def write_settings(data_dir: Path) -> None:
    """Write ``.env`` for a server on one's own machine, unless there is one."""
    path = data_dir / ".env"
    # Under another name first: a start that is cut off leaves no half of a key behind.
    draft = data_dir / f".env.{os.getpid()}"
    try:
        if path.exists():
            return
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(
            "# Written by the first 'make run'. What the environment says comes first.\n"
            "DJANGO_DEBUG=1\n"
            f"DJANGO_SECRET_KEY={secrets.token_urlsafe(50)}\n"
        )
        draft.replace(path)
    except OSError as error:
        sys.exit(f"The data directory {data_dir} cannot be used: {error.strerror}.")


def make_ready() -> Login | None:
    """Prepare the database, or exit with a sentence that says what is wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicechat.settings")
    # Only now are there settings to be read.
    import django  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.db import Error, connections  # noqa: PLC0415
    from environs import EnvError  # noqa: PLC0415

    from voicechat.first_start import (  # noqa: PLC0415
        collect_static,
        prepare_database,
        require_fitting_settings,
    )

    try:
        django.setup()
        require_fitting_settings()
        login = prepare_database()
        collect_static()
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"A setting is wrong: {error}")
    except Error as error:
        sys.exit(f"The database cannot be used: {error}")
    connections.close_all()
    return login


def _how_to_log_in(login: Login | None) -> str:
    if login is None:
        return "(forgot the password? .venv/bin/python manage.py changepassword admin)"
    if login.password is None:
        return f"as {login.username}, with the password of DJANGO_SUPERUSER_PASSWORD"
    return f"as {login.username}, password {login.password} (shown only now)"


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return port


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
