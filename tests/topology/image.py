"""What the Dockerfile says."""

from __future__ import annotations

import io

from dockerfile_parse import DockerfileParser

from tests.services import ROOT

DOCKERFILE = ROOT / "Dockerfile"


def image_environment() -> dict[str, str]:
    """What the image itself sets of ours."""
    parser = DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes()))
    ours = ("VOICECHAT_", "DJANGO_")
    return {name: value for name, value in parser.envs.items() if name.startswith(ours)}
