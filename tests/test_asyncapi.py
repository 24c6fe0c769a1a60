"""docs/asyncapi.yaml says what the server really takes and sends."""

from __future__ import annotations

import re

import yaml

from scripts.asyncapi import PLACE, document


def test_the_document_is_up_to_date() -> None:
    assert PLACE.read_text() == document(), "run: python -m scripts.asyncapi --write"


def test_every_message_of_protocol_md_is_in_it_and_the_other_way_round() -> None:
    text = (PLACE.parent / "protocol.md").read_text()
    tables = text.split("## Person → server")[1].split("A **turn** in")[0]
    described = set(re.findall(r"^\| `([a-z_]+)` \|", tables, re.MULTILINE))
    messages = yaml.safe_load(document())["components"]["messages"]
    declared = {message["name"] for key, message in messages.items() if key != "binary_audio"}
    assert described == declared


def test_every_reference_leads_somewhere() -> None:
    api = yaml.safe_load(document())
    for reference in re.findall(r"#/[\w/]+", document()):
        part = api
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
