"""PlayHT's own client, in an environment of its own: ``python pyht_speaks.py URL KEY FOLDER``.

Reads what to do from standard input, a JSON object a line, and writes the audio of each into a file.
"""

import asyncio
import json
import sys
from pathlib import Path

from pyht import AsyncClient, Client, Format, Language, TTSOptions
from pyht.inference_coordinates import InferenceCoordinatesOptions

URL, KEY, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
COORDINATES = InferenceCoordinatesOptions(api_url=f"{URL}/api/v4")


def options_of(task):
    language = task.get("language")
    return TTSOptions(
        voice=task.get("voice", "s3://voice-cloning-zero-shot/somebody/manifest.json"),
        format=Format[f"FORMAT_{task.get('format', 'mp3').upper()}"],
        sample_rate=task.get("sample_rate"),
        speed=task.get("speed", 1.0),
        seed=task.get("seed"),
        language=Language[language.upper()] if language else None,
    )


def how(task):
    return {
        "voice_engine": task.get("engine", "PlayDialog"),
        "protocol": task["protocol"],
        "streaming": task.get("streaming", True),
    }


def sync(tasks):
    client = Client(
        "somebody", KEY, auto_connect=False,
        advanced=Client.AdvancedOptions(inference_coordinates_options=COORDINATES),
    )  # fmt: skip
    for number, task in tasks:
        try:
            audio = b"".join(client.tts(task["text"], options_of(task), **how(task)))
        except Exception as error:
            say(number=number, error=str(error))
        else:
            write(number, audio)
    client.close()


async def concurrently(tasks):
    client = AsyncClient(
        "somebody", KEY, auto_connect=False,
        advanced=AsyncClient.AdvancedOptions(
            inference_coordinates_options=COORDINATES, auto_refresh_lease=False
        ),
    )  # fmt: skip
    for number, task in tasks:
        try:
            stream = client.tts(task["text"], options_of(task), **how(task))
            audio = b"".join([chunk async for chunk in stream])
        except Exception as error:
            say(number=number, error=str(error))
        else:
            write(number, audio)
    await client.close()


def write(number, audio):
    (FOLDER / str(number)).write_bytes(audio)
    say(number=number, bytes=len(audio))


def say(**outcome):
    sys.stdout.write(json.dumps(outcome) + "\n")


tasks = list(enumerate(map(json.loads, sys.stdin)))
sync([(number, task) for number, task in tasks if not task.get("asynchronous")])
asyncio.run(concurrently([(n, task) for n, task in tasks if task.get("asynchronous")]))
