"""Titles and descriptions of the demo items."""

from collections.abc import Sequence
from itertools import chain, count

import numpy as np

from gnnrec.data.demo.tastes import TASTES, Expression

__all__ = ["write_words"]

# A world's adjectives, things and places.
_WORDS = {
    "tide": (
        ("salt", "drifting", "tidal", "foaming", "sunken", "pearl", "coastal", "rolling"),
        ("harbour", "lantern", "waves", "gulls", "reef", "current", "anchor", "sail", "kelp", "lagoon"),
        ("by the sea", "below the pier", "along the shore", "far from land"),
    ),
    "forest": (
        ("mossy", "rooted", "leafy", "hollow", "fern", "wild", "oaken", "shaded"),
        ("pines", "owls", "bark", "acorns", "brook", "clearing", "thicket", "foxes", "mushrooms", "antlers"),
        ("under old trees", "deep in the woods", "on the woodland path", "beside the brook"),
    ),
    "desert": (
        ("dusty", "sunbaked", "amber", "dry", "sandy", "endless", "copper", "parched"),
        ("dunes", "caravan", "mirage", "cactus", "canyon", "oasis", "camels", "heat", "well", "scorpion"),
        ("across the sand", "at high noon", "beyond the canyon", "on the caravan road"),
    ),
    "neon": (
        ("electric", "chrome", "glowing", "midnight", "digital", "restless", "urban", "flashing"),
        ("skyline", "metro", "arcade", "traffic", "roofs", "signs", "taxis", "pixels", "bass", "crowd"),
        ("downtown", "after the last train", "above the avenue", "under city lights"),
    ),
    "garden": (
        ("blooming", "rosy", "sweet", "petal", "honeyed", "sunny", "gentle", "fragrant"),
        ("roses", "bees", "tulips", "moths", "ferns", "lilac", "picnic", "trellis", "nectar", "daisies"),
        ("among the flowers", "on a spring morning", "behind the hedge", "in the rose beds"),
    ),
    "snow": (
        ("frozen", "silver", "icy", "white", "crystal", "hushed", "polar", "frosted"),
        ("glacier", "flakes", "icicles", "sleigh", "drifts", "skates", "storm", "peaks", "wolves", "frost"),
        ("on the glacier", "in deep winter", "over the frozen lake", "north of everything"),
    ),
    "ember": (
        ("burning", "molten", "scarlet", "smoky", "blazing", "iron", "fierce", "volcanic"),
        ("furnace", "sparks", "lava", "torches", "ashes", "anvil", "bonfire", "crater", "dragon", "hammer"),
        ("around the fire", "inside the volcano", "at the forge", "where the ground glows"),
    ),
    "orbit": (
        ("lunar", "weightless", "stellar", "distant", "cosmic", "silent", "radiant", "infinite"),
        ("comets", "planets", "probe", "nebula", "rocket", "pilots", "gravity", "eclipse", "quasar", "suns"),
        ("between the stars", "behind the moon", "out of orbit", "in zero gravity"),
    ),
}
_CALM = ("slow", "quiet", "soft", "dreamy", "sleepy", "still")
_LIVELY = ("fast", "bouncing", "rousing", "dancing", "breathless", "loud")
_FORMS = ("track", "tune", "piece", "song", "sketch", "theme")
_TITLES = (
    "{adjective} {thing}",
    "{thing} and {other}",
    "the {adjective} {thing}",
    "{adjective} {thing} {place}",
    "a song for the {thing}",
)


def write_words(expression: Expression, taken: set[str], random: np.random.Generator) -> tuple[str, str]:
    """A title that is not in ``taken``, and a description of two sentences.

    Args:
        expression: What the words show.
        taken: Titles so far; the new one is added.
        random: Source of randomness.
    """
    adjectives, things, places = _WORDS[TASTES[expression.main]]
    others = _WORDS[TASTES[expression.second]][1]
    adjective, second_adjective = random.choice(adjectives, 2, replace=False)
    thing, other, last = random.choice(things, 3, replace=False)
    if random.random() > expression.share:
        last = random.choice(others)
    place = random.choice(places)
    moods = _LIVELY if random.random() < (expression.mood + 1) / 2 else _CALM
    mood, form = random.choice(moods), random.choice(_FORMS)
    text = (
        f"A {mood} {form} {place}: {adjective} {thing}, {other} and {last}. "
        f"{second_adjective.capitalize()} {random.choice(things)} for {random.choice(moods)} evenings."
    )
    parts = {"adjective": adjective, "thing": thing, "other": other, "place": place}
    titles = [_capitalise(pattern.format(**parts)) for pattern in random.permutation(_TITLES)]
    return _unused(titles, taken), text


def _capitalise(title: str) -> str:
    small = {"a", "and", "for", "the", "by", "of", "in", "on", "at", "to"}
    words = title.split()
    return " ".join(word if word in small and position else word.capitalize() for position, word in enumerate(words))


def _unused(titles: Sequence[str], taken: set[str]) -> str:
    """The first title that is not taken, numbered if all are."""
    numbered = (f"{titles[0]}, Part {number}" for number in count(2))
    unused = next(title for title in chain(titles, numbered) if title not in taken)
    taken.add(unused)
    return unused
