"""Make the secrets of docker-compose.yml: ``python3 deploy/make_secrets.py``. What is there stays.

Docker Compose mounts these files as they are, and the containers' users have to read them; so the
files are open and their folder is closed to everybody else on this machine. Standard library only.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "secrets"


def main() -> None:
    made = make_secrets(FOLDER)
    print(f"Made in {FOLDER}: {', '.join(made) or 'nothing, all is there'}.")
    if not (FOLDER / "tls_certificate").exists():
        make_certificate(FOLDER)


def make_secrets(folder: Path) -> list[str]:
    """Write what is missing; returns its names. They hold for as long as their volumes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = _written(folder, "postgres_password") or secrets.token_urlsafe(24)
    contents = {
        "secret_key": secrets.token_urlsafe(50),
        "postgres_password": password,
        "database_url": f"postgres://voicechat:{password}@postgres:5432/voicechat",
        "store_access_key": secrets.token_hex(10),
        "store_secret_key": secrets.token_urlsafe(30),
        "admin_password": secrets.token_urlsafe(12),
    }
    missing = [name for name in contents if not (folder / name).exists()]
    for name in missing:
        path = folder / name
        path.write_text(contents[name])
        path.chmod(0o444)
    return missing


def make_certificate(folder: Path) -> None:
    """A certificate that no browser trusts, to begin with: put your own in its place."""
    if shutil.which("openssl") is None:
        sys.exit(f"Put a certificate and its key at {folder}/tls_certificate and {folder}/tls_key.")
    key, certificate = folder / "tls_key", folder / "tls_certificate"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "825"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", *kind, *names, *files]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    for path in (key, certificate):
        path.chmod(0o444)
    print(f"Made a certificate for localhost. Put your own at {certificate} and {key}.")


def _written(folder: Path, name: str) -> str:
    path = folder / name
    return path.read_text().strip() if path.exists() else ""


if __name__ == "__main__":
    main()
