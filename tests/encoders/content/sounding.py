"""Small films with sound, for tests."""

import io
from fractions import Fraction

import av
import numpy as np


def film_with_sound(
    sound: np.ndarray,
    *,
    sample_rate: int = 16_000,
    grey: np.ndarray | None = None,
    rate: int = 10,
    size: tuple[int, int] = (64, 48),
    format_name: str = "matroska",
    video_codec: str = "mpeg4",
    audio_codec: str = "pcm_s16le",
    sound_starts: float = 0.0,
    keyframe_every: int = 12,
) -> bytes:
    """A film of plain grey frames with a sound track.

    Args:
        sound: Samples between -1 and 1. Shape: (channels, samples).
        sample_rate: Of the sound.
        grey: Of each frame, 0 to 255 [default: no pictures at all].
        rate: Frames a second.
        size: Width and height.
        format_name: Of libav.
        video_codec: Of libav.
        audio_codec: Of libav.
        sound_starts: Time of its first sample, in seconds.
        keyframe_every: Frames from one that can be decoded alone to the next.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format_name) as container:
        pictures = None
        if grey is not None:
            pictures = container.add_stream(video_codec, rate=rate)
            pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
            pictures.gop_size = keyframe_every
        track = container.add_stream(audio_codec, rate=sample_rate)
        track.layout = "stereo" if len(sound) == 2 else "mono"
        if pictures is not None:
            for value in grey:
                pixels = np.full((size[1], size[0], 3), round(float(value)), np.uint8)
                container.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(pictures.encode())
        convert = av.AudioResampler(format=track.format.name, frame_size=track.codec_context.frame_size or 1_000)
        whole = (np.clip(sound, -1, 1) * 32_767).astype(np.int16).T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout=track.layout.name)
        frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
        frame.pts = round(sound_starts * sample_rate)
        for piece in (*convert.resample(frame), *convert.resample(None)):
            container.mux(track.encode(piece))
        container.mux(track.encode())
    return buffer.getvalue()


def tone(hertz: float, seconds: float, sample_rate: int = 16_000) -> np.ndarray:
    """A sine. Shape: (1, samples)."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * sample_rate)) / sample_rate)[None]
