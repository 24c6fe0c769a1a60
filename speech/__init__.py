"""Sound: formats, codecs, resampling, sentences and voices. No Django, no sockets."""
