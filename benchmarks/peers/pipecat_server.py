"""Pipecat on a loopback socket, Exotel's dialect at ``/ws``: one caller, one pipeline.

Its Silero VAD ends a turn, and the turn itself is replayed as the answer; a voice over that cuts it
(``clear``). Runs in an environment of its own (``environment.py``): pipecat_server.py PORT
"""

from __future__ import annotations

import json
import os
import sys

os.environ |= {"DO_NOT_TRACK": "1", "LOGURU_LEVEL": "WARNING"}

import uvicorn
from fastapi import FastAPI, WebSocket
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.exotel import ExotelFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

RATE = 8000
# It sends 20 ms a message, as it does by itself for telephones.
CHUNK_10MS = 2

app = FastAPI()


class Replay(FrameProcessor):
    """Answers each turn with its own sound."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = bytearray()
        self._person_speaks = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case InputAudioRawFrame():
                if self._person_speaks:
                    self._heard += frame.audio
                return
            case VADUserStartedSpeakingFrame():
                self._person_speaks = True
                await self.broadcast_interruption()
            case VADUserStoppedSpeakingFrame():
                self._person_speaks = False
                audio, self._heard = bytes(self._heard), bytearray()
                await self.push_frame(TTSStartedFrame())
                await self.push_frame(TTSAudioRawFrame(audio, RATE, 1))
                await self.push_frame(TTSStoppedFrame())
        await self.push_frame(frame, direction)


@app.websocket("/ws")
async def call(websocket: WebSocket) -> None:
    """One call, from its ``start`` to its end."""
    await websocket.accept()
    # Pipecat leaves the messages before the audio to its user.
    while (message := json.loads(await websocket.receive_text()))["event"] != "start":
        pass
    transport = FastAPIWebsocketTransport(
        websocket,
        FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            serializer=ExotelFrameSerializer(message["stream_sid"]),
            audio_out_10ms_chunks=CHUNK_10MS,
            audio_out_end_silence_secs=0,
        ),
    )
    vad = VADProcessor(vad_analyzer=SileroVADAnalyzer(params=VADParams()))
    worker = PipelineWorker(
        Pipeline([transport.input(), vad, Replay(), transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        idle_timeout_secs=None,
    )

    @transport.event_handler("on_client_disconnected")
    async def gone(_transport: object, _websocket: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
