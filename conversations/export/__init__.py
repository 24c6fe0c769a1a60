"""What was said, to take away: JSON, CSV, WebVTT, stereo WAV, in a zip or a directory.

``docs/export.md`` describes what is in the files. ``as_json``, ``as_csv``, ``as_webvtt`` and
``as_wav`` turn plain values into bytes and touch neither database nor disk; ``reading`` and
``sound`` fetch what they need; ``files`` puts an export together, ``zipped`` and ``directory``
write it, ``streaming`` sends it. All but ``streaming`` is synchronous: generators that make the
next piece when they are asked for it, so that ten thousand conversations take the memory of a few.
"""
