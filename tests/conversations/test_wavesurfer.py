"""The vendored player and the Content-Security-Policy belong together."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from voicechat.headers import CONTENT_SECURITY_POLICY

STATIC = Path(__file__).parents[2] / "conversations/static/conversations"


def test_the_policy_knows_the_one_style_sheet_that_it_writes():
    script = (STATIC / "vendor/wavesurfer/wavesurfer.esm.js").read_text()
    height = re.search(r"LANE_PX = (\d+);", (STATIC / "waveform.js").read_text())
    written = re.search(r'<style\$\{.*?:""\}>(.*?)</style>', script, re.DOTALL)
    assert height is not None
    assert written is not None
    sheet = re.sub(r"\$\{this\.getHeight\(.*?\)\}", height[1], written[1].replace("\\n", "\n"))
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in CONTENT_SECURITY_POLICY


def test_its_licence_is_with_it():
    assert "BSD 3-Clause" in (STATIC / "vendor/wavesurfer/LICENSE").read_text()
