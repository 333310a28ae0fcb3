"""Raw item content, from files or bytes, decoded to pictures, sounds, texts and films in memory.

Whatever the bytes are, a decoder returns content or raises :class:`~encoders.errors.ContentError` with one line that
names the source and the reason.
"""

from encoders.content.audio import AudioReading, read_audio
from encoders.content.film_file import FilmFile
from encoders.content.image import read_image
from encoders.content.locate import locate, read_content_bytes
from encoders.content.sound import Sound
from encoders.content.sound_track import read_sound_track
from encoders.content.text import clean_text, read_text
from encoders.content.video import Film, read_video
from encoders.content.waveform import audio_windows, resample

__all__ = [
    "AudioReading",
    "Film",
    "FilmFile",
    "Sound",
    "audio_windows",
    "clean_text",
    "locate",
    "read_audio",
    "read_content_bytes",
    "read_image",
    "read_sound_track",
    "read_text",
    "read_video",
    "resample",
]
