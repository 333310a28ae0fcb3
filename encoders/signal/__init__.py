"""Features of pictures, sounds and texts that need no trained weights.

Content without any information (a transparent picture, silence, a text without words) gives a vector of
zeros, which callers treat as missing.
"""

from encoders.signal.colour_histogram import COLOUR_HISTOGRAM_DIM, colour_histogram
from encoders.signal.hashed_words import HASHED_WORDS_DIM, hashed_words
from encoders.signal.mean_spectrum import MEAN_SPECTRUM_DIM, mean_spectrum

__all__ = [
    "COLOUR_HISTOGRAM_DIM",
    "HASHED_WORDS_DIM",
    "MEAN_SPECTRUM_DIM",
    "colour_histogram",
    "hashed_words",
    "mean_spectrum",
]
