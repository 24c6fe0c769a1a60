"""Real clients of the two APIs, unmodified, against a real server: PyHT and OpenAI's package."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from benchmarks.peers.environment import python_for
from speech.codecs import decode
from speech.pcm import duration_ms
from tests.services import VoicechatServer
from tests.speech.recordings import cards

from .client import new_key, within_a_minute

CLIENTS = Path(__file__).parent.parent / "clients"
TEXT = "Hello there. How are you today?"
FORMATS = ("mp3", "wav", "mulaw", "raw", "pcm", "ogg", "flac")

# One protocol after the other in one client, as an application has it.
TASKS: list[dict[str, Any]] = [
    {"protocol": protocol, "asynchronous": asynchronous, "format": format, "text": TEXT}
    for asynchronous in (False, True)
    for protocol in ("ws", "http")
    for format in FORMATS
]
AT_ONCE = [
    {"protocol": "http", "asynchronous": asynchronous, "streaming": False, "text": TEXT,
     "format": format}
    for asynchronous in (False, True)
    for format in ("wav", "mp3")
]  # fmt: skip
ENGINES = [
    {"protocol": protocol, "text": TEXT, "engine": engine, "format": "wav"}
    for protocol in ("ws", "http")
    for engine in ("Play3.0-mini", "PlayDialogMultilingual", "PlayDialogArabic")
]
OTHER = [
    {"protocol": "ws", "text": TEXT, "format": "raw", "sample_rate": 48_000},
    {"protocol": "ws", "text": TEXT, "format": "raw", "speed": 2.0},
    {"protocol": "ws", "text": "Guten Tag.", "format": "raw", "language": "german"},
    {"protocol": "ws", "text": [TEXT, TEXT], "format": "raw", "seed": 7},
    {"protocol": "ws", "text": [TEXT, TEXT], "format": "raw", "seed": 7},
    # Refused: nothing is heard, and the next one works.
    {"protocol": "ws", "text": "", "format": "raw"},
    {"protocol": "ws", "text": TEXT, "format": "raw"},
]


async def pyht(server: VoicechatServer, key: str, folder: Path, tasks: list[Any]) -> list[Any]:
    """What PyHT made of the tasks: bytes, or its error."""
    python = await asyncio.to_thread(python_for, "pyht", CLIENTS)
    process = await asyncio.create_subprocess_exec(
        *(python, CLIENTS / "pyht_speaks.py", server.url, key, folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate("\n".join(map(json.dumps, tasks)).encode())
    assert process.returncode == 0
    outcomes = {outcome["number"]: outcome for outcome in map(json.loads, said.splitlines())}
    return [
        outcomes[number].get("error") or (folder / str(number)).read_bytes()
        for number in range(len(tasks))
    ]


def length_ms(audio: bytes, task: dict[str, Any]) -> float:
    rate = task.get("sample_rate") or 24_000
    if task["format"] == "mulaw":
        return len(audio) / 8
    if task["format"] in ("raw", "pcm"):
        return duration_ms(len(audio), rate)
    pcm, rate = decode(audio)
    return duration_ms(len(pcm), rate)


@pytest.mark.timeout(400)
async def test_pyht_in_all_its_ways(
    live_server_process: VoicechatServer, key: str, tmp_path: Path
) -> None:
    tasks = [*TASKS, *AT_ONCE, *ENGINES, *OTHER]
    heard = await pyht(live_server_process, key, tmp_path, tasks)
    assert not [told for told in heard if isinstance(told, str)]
    usual = [*TASKS, *AT_ONCE, *ENGINES]
    lengths = [length_ms(audio, task) for audio, task in zip(heard, usual, strict=False)]
    assert lengths == pytest.approx([lengths[0]] * len(usual), rel=0.1)
    wide, fast, german, one, same, refused, after = heard[len(usual) :]
    assert duration_ms(len(wide), 48_000) == pytest.approx(lengths[0], rel=0.1)
    assert duration_ms(len(fast), 24_000) < 0.7 * lengths[0]
    assert german
    assert one == same
    assert refused == b""
    assert duration_ms(len(after), 24_000) == pytest.approx(lengths[0], rel=0.1)


async def test_pyht_says_why_it_is_refused(
    live_server_process: VoicechatServer, key: str, tmp_path: Path
) -> None:
    [wrong] = await pyht(
        live_server_process, "vc_wrong", tmp_path, [{"protocol": "ws", "text": TEXT}]
    )
    assert "401" in wrong
    [empty] = await pyht(live_server_process, key, tmp_path, [{"protocol": "http", "text": " "}])
    assert "HTTP 400" in empty
    assert "text is empty" in empty


@pytest.fixture
def openai_client(live_server_process: VoicechatServer, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live_server_process.url}/v1", api_key=key, max_retries=0)


class TestOpenAISpeech:
    @pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac", "wav"])
    def test_every_format_is_audio(self, openai_client, format):
        answer = openai_client.audio.speech.create(
            model="tts-1", voice="alloy", input=TEXT, response_format=format
        )
        pcm, rate = decode(answer.content)
        assert rate == (48_000 if format == "opus" else 24_000)
        assert 1500 < duration_ms(len(pcm), rate) < 3500

    def test_pcm_is_24_khz(self, openai_client):
        answer = openai_client.audio.speech.create(
            model="tts-1", voice="alloy", input=TEXT, response_format="pcm"
        )
        assert 1500 < duration_ms(len(answer.content), 24_000) < 3000

    def test_it_streams(self, openai_client):
        with openai_client.audio.speech.with_streaming_response.create(
            model="tts-1", voice={"id": "espeak:en-gb"}, input=TEXT * 20, response_format="pcm"
        ) as answer:
            assert answer.headers["x-voice"] == "espeak:en-gb"
            assert "content-length" not in answer.headers
            assert len(list(answer.iter_bytes())) > 5

    def test_it_streams_events(self, openai_client):
        with openai_client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=TEXT, stream_format="sse"
        ) as answer:
            lines = [line for line in answer.iter_lines() if line]
        events = [json.loads(line.removeprefix("data: ")) for line in lines]
        *deltas, done = events
        assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
        pcm, rate = decode(b"".join(base64.b64decode(delta["audio"]) for delta in deltas))
        assert 1500 < duration_ms(len(pcm), rate) < 3500
        assert done["type"] == "speech.audio.done"
        assert done["usage"]["input_tokens"] == len(TEXT)

    def test_it_is_as_fast_as_told_within_what_voices_can(self, openai_client):
        slowest, slow, normal, fast, fastest = [
            len(
                openai_client.audio.speech.create(
                    model="x", voice="alloy", input=TEXT, response_format="pcm", speed=speed
                ).content
            )
            for speed in (0.25, 0.5, 1, 2, 4)
        ]
        assert fast < 0.7 * normal < 0.7 * slow
        assert (slowest, fastest) == (pytest.approx(slow, rel=0.02), pytest.approx(fast, rel=0.02))

    def test_instructions_are_no_words(self, openai_client):
        request = {"model": "x", "voice": "alloy", "input": "Hello.", "response_format": "pcm"}
        plain = openai_client.audio.speech.create(**request)
        told = openai_client.audio.speech.create(**request, instructions="Sing. " * 50)
        assert len(told.content) == pytest.approx(len(plain.content), rel=0.02)

    async def test_with_asyncio(self, live_server_process, key):
        async with openai.AsyncOpenAI(
            base_url=f"{live_server_process.url}/v1", api_key=key, max_retries=0
        ) as client:
            async with client.audio.speech.with_streaming_response.create(
                model="tts-1", voice="alloy", input=TEXT
            ) as answer:
                pcm, rate = decode(b"".join([piece async for piece in answer.iter_bytes()]))
            assert 1500 < duration_ms(len(pcm), rate) < 3500
            heard = await client.audio.transcriptions.create(
                model="whisper-1", file=("card.wav", cards()[0].path.read_bytes())
            )
            assert cards()[0].text in heard.text

    async def test_too_many_are_told_when_to_come_back(self, live_server_process):
        await within_a_minute()
        client = openai.OpenAI(
            base_url=f"{live_server_process.url}/v1",
            api_key=new_key(live_server_process, commands_per_minute=1),
            max_retries=0,
        )
        client.audio.speech.create(model="x", voice="alloy", input="Hello.")
        with pytest.raises(openai.RateLimitError) as error:
            client.audio.speech.create(model="x", voice="alloy", input="Hello.")
        assert error.value.code == "too_many_commands"
        assert int(error.value.response.headers["retry-after"]) in range(1, 62)

    @pytest.mark.parametrize(
        ("wrong", "param", "code"),
        [
            ({"input": ""}, "input", "no_text"),
            ({"voice": ""}, "voice", "bad_voice"),
            ({"model": ""}, "model", "bad_model"),
            ({"response_format": "mp4"}, "response_format", "bad_response_format"),
            ({"speed": 0}, "speed", "bad_speed"),
            ({"stream_format": "x"}, "stream_format", "bad_stream_format"),
        ],
    )
    def test_what_is_wrong_is_told_in_its_words(self, openai_client, wrong, param, code):
        request = {"model": "x", "voice": "alloy", "input": TEXT, **wrong}
        with pytest.raises(openai.BadRequestError) as error:
            openai_client.audio.speech.create(**request)
        assert (error.value.param, error.value.code) == (param, code)
        assert error.value.type == "invalid_request_error"

    def test_too_long_a_text_is_too_large(self, openai_client):
        with pytest.raises(openai.APIStatusError) as error:
            openai_client.audio.speech.create(model="x", voice="alloy", input="a" * 4097)
        assert error.value.status_code == 413


class TestOpenAITranscriptions:
    @pytest.fixture
    def recording(self) -> tuple[str, bytes]:
        return "card.wav", cards()[0].path.read_bytes()

    @pytest.fixture
    def words(self) -> str:
        return cards()[0].text

    @pytest.mark.parametrize("format", ["json", "text", "srt", "vtt", "verbose_json"])
    def test_in_every_form(self, openai_client, recording, words, format):
        answer = openai_client.audio.transcriptions.create(
            model="whisper-1", file=recording, response_format=format, language="en"
        )
        assert words in (answer if isinstance(answer, str) else answer.text)
        if format == "verbose_json":
            [segment] = answer.segments
            assert 0 <= segment.start < segment.end <= answer.duration
        if format in ("srt", "vtt"):
            assert " --> " in answer

    def test_with_all_that_may_be_asked_for(self, openai_client, recording, words):
        answer = openai_client.audio.transcriptions.create(
            model="whisper-1",
            file=recording,
            prompt="Playing cards.",
            temperature=0.3,
            chunking_strategy="auto",
            include=["logprobs"],
            response_format="verbose_json",
            timestamp_granularities=["segment"],
        )
        assert words in answer.text
        assert answer.duration > 1

    def test_how_long_it_lasts_is_its_usage(self, openai_client, recording):
        answer = openai_client.audio.transcriptions.create(model="whisper-1", file=recording)
        assert (answer.usage.type, answer.usage.seconds > 1) == ("duration", True)

    def test_as_a_stream(self, openai_client, recording, words):
        stream = openai_client.audio.transcriptions.create(
            model="whisper-1", file=recording, stream=True
        )
        *deltas, done = list(stream)
        assert "".join(delta.delta for delta in deltas) == done.text
        assert words in done.text
        assert done.type == "transcript.text.done"

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"file": ("x.wav", b"no sound")}, "bad_file"),
            ({"response_format": "diarized_json"}, "bad_response_format"),
            ({"language": "klingonese"}, "unknown_language"),
            ({"language": "pt"}, "unknown_language"),
            ({"timestamp_granularities": ["word"], "response_format": "verbose_json"}, "no_words"),
        ],
    )
    def test_what_is_wrong_is_told(self, openai_client, recording, wrong, code):
        request = {"model": "whisper-1", "file": recording, **wrong}
        with pytest.raises(openai.BadRequestError) as error:
            openai_client.audio.transcriptions.create(**request)
        assert error.value.code == code

    async def test_what_is_no_form_is_refused(self, live_server_process, key):
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"{live_server_process.url}/v1/audio/transcriptions",
                headers={"Authorization": f"Bearer {key}"},
                json={"file": "x"},
            )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "no_file")


def test_a_server_without_a_recogniser_says_so(start_server):
    server = start_server(VOICECHAT_STT="none")
    client = openai.OpenAI(
        base_url=f"{server.url}/v1", api_key=new_key(server, voice=1), max_retries=0
    )
    with pytest.raises(openai.InternalServerError) as error:
        client.audio.transcriptions.create(model="x", file=("x.wav", b"x"))
    assert (error.value.status_code, error.value.code) == (501, "no_recogniser")


class TestTheWrongPerson:
    def test_a_wrong_key(self, live_server_process):
        client = openai.OpenAI(
            base_url=f"{live_server_process.url}/v1", api_key="vc_wrong", max_retries=0
        )
        with pytest.raises(openai.AuthenticationError):
            client.audio.speech.create(model="x", voice="alloy", input=TEXT)
        with pytest.raises(openai.AuthenticationError):
            client.audio.transcriptions.create(model="x", file=("x", b"x"))

    def test_a_key_for_speech_hears_nothing(self, live_server_process, speech_key):
        client = openai.OpenAI(
            base_url=f"{live_server_process.url}/v1", api_key=speech_key, max_retries=0
        )
        assert client.audio.speech.create(model="x", voice="alloy", input=TEXT).content
        with pytest.raises(openai.PermissionDeniedError):
            client.audio.transcriptions.create(model="x", file=("x", b"x"))


@pytest.fixture
def speech_key(live_server_process: VoicechatServer) -> str:
    return new_key(live_server_process)
