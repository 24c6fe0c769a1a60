"""Text to speech: engines behind one small interface, and the chain that picks among them."""

from speech.tts.chain import Chain, Chosen, UnknownEngineError, build_chain
from speech.tts.engine import Engine, TTSError, UnknownVoiceError, Voice

__all__ = [
    "Chain",
    "Chosen",
    "Engine",
    "TTSError",
    "UnknownEngineError",
    "UnknownVoiceError",
    "Voice",
    "build_chain",
]
