"""The demo catalog: a made-up data set of real picture, sound and text files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnrec.data.demo.choices import draw_choices
from gnnrec.data.demo.pictures import draw_picture
from gnnrec.data.demo.sounds import SAMPLE_RATE, play_sound
from gnnrec.data.demo.tastes import TASTES, ItemTastes, draw_item_tastes, draw_user_tastes
from gnnrec.data.demo.words import write_words
from gnnrec.errors import ArgumentError, MissingExtraError

__all__ = ["DemoCatalog", "write_demo_catalog"]

_MODALITIES = ("image", "audio", "text")
_MISSING_SHARE = 0.12
_NEW_SHARE = 0.1
_SHORT_SHARE = 0.04
_FEWEST_USERS, _FEWEST_ITEMS = 20, 80
_FIRST_NAMES = (
    *(
        "ada",
        "amir",
        "bela",
        "bo",
        "carla",
        "chidi",
        "dara",
        "dov",
        "elif",
        "emil",
        "fay",
        "finn",
        "gita",
        "gus",
    ),
    *(
        "hana",
        "hugo",
        "ines",
        "ivo",
        "jun",
        "kaya",
        "kofi",
        "lena",
        "luca",
        "mei",
        "milo",
        "nia",
        "noor",
        "olga",
    ),
    *("omar", "pia", "quinn", "rafa", "rosa", "sami", "tala", "theo", "uma", "vera", "wen", "yara", "zeno"),
)


@dataclass(frozen=True)
class DemoCatalog:
    """What was written.

    Args:
        folder: The data set folder.
        num_users: Number of users.
        num_items: Number of items.
        interactions: Number of interactions by part.
        new_items: Ids of the items that are in the test part only.
        short_users: Ids of the users with a short history.
        missing: Number of items without content by modality.
        tastes: Name of each item's world by item id; known to the generator only, not in the files.
    """

    folder: Path
    num_users: int
    num_items: int
    interactions: dict[str, int]
    new_items: tuple[str, ...]
    short_users: tuple[str, ...]
    missing: dict[str, int]
    tastes: dict[str, str]


def write_demo_catalog(folder: str | Path, *, num_users: int = 400, num_items: int = 300, seed: int = 0) -> DemoCatalog:
    """Write a data set of made-up tracks with a cover picture, a second of sound and a description.

    Each item belongs to one of eight worlds (sea, forest, desert, ...), leans to another and is calm or
    lively. Each user likes two worlds and a mood. Items are taken accordingly, by popularity and by chance;
    pictures, sounds and words show the same worlds and moods, none of them perfectly. About an eighth of the
    items lack each modality (never all three), a tenth are new and only in the test part, and a few users
    have a short history.

    The folder is in gnnrec's own form: ``interactions.parquet``, ``items.parquet``, ``images/*.png`` and
    ``audio/*.wav``. Files with these names are written over; equal arguments give equal bytes.

    Args:
        folder: Where to write; made if it does not exist.
        num_users: Number of users, at least 20.
        num_items: Number of items, at least 80.
        seed: Seed of everything.

    Raises:
        ArgumentError: If a number is too small.
        MissingExtraError: If Pillow or soundfile is not installed.
    """
    for name, value, fewest in (
        ("num_users", num_users, _FEWEST_USERS),
        ("num_items", num_items, _FEWEST_ITEMS),
    ):
        if value < fewest:
            raise ArgumentError(f"'{name}' must be at least {fewest} (got {value})")
    if seed < 0:
        raise ArgumentError(f"'seed' must be a non-negative integer (got {seed})")
    _require_packages()
    folder = Path(folder)
    items = draw_item_tastes(num_items, _NEW_SHARE, np.random.default_rng([seed, 0]))
    users = draw_user_tastes(num_users, _SHORT_SHARE, np.random.default_rng([seed, 1]))
    has = _draw_presence(num_items, np.random.default_rng([seed, 2]))
    choices = draw_choices(users, items, np.random.default_rng([seed, 3]))
    user_ids = np.array([f"{_FIRST_NAMES[place % len(_FIRST_NAMES)]}-{place:03d}" for place in range(num_users)])
    item_ids = np.array([f"item-{place:04d}" for place in range(num_items)])

    for name in ("images", "audio"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_table(folder / "items.parquet", _write_content(folder, item_ids.tolist(), items, has, seed))
    log = {
        "user_id": user_ids[choices["user"]],
        "item_id": item_ids[choices["item"]],
        "timestamp": choices["timestamp"],
        "split": choices["split"],
    }
    _write_table(folder / "interactions.parquet", log)
    parts, counts = np.unique(choices["split"], return_counts=True)
    return DemoCatalog(
        folder=folder,
        num_users=num_users,
        num_items=num_items,
        interactions={str(part): int(count) for part, count in zip(parts, counts, strict=True)},
        new_items=tuple(item_ids[items.is_new].tolist()),
        short_users=tuple(user_ids[users.is_short].tolist()),
        missing={name: int((~column).sum()) for name, column in has.items()},
        tastes={name: TASTES[world] for name, world in zip(item_ids.tolist(), items.main.tolist(), strict=True)},
    )


def _require_packages() -> None:
    """Find out before anything is written."""
    for module, package in (("PIL", "Pillow"), ("soundfile", "soundfile")):
        try:
            __import__(module)
        except ImportError:
            raise MissingExtraError(package, "demo", "the demo catalog") from None


def _draw_presence(num_items: int, random: np.random.Generator) -> dict[str, npt.NDArray[np.bool_]]:
    """Which items have which content; everyone has some. Arrays of shape (num_items,)."""
    has = random.random((num_items, len(_MODALITIES))) >= _MISSING_SHARE
    has[~has.any(axis=1), 0] = True
    return dict(zip(_MODALITIES, has.T, strict=True))


def _write_content(
    folder: Path, item_ids: list[str], items: ItemTastes, has: Mapping[str, npt.NDArray[np.bool_]], seed: int
) -> dict[str, list[str | None]]:
    """Write the pictures and sounds; gives the columns of the table of items."""
    import soundfile

    table: dict[str, list[str | None]] = {name: [] for name in ("item_id", "title", "text", "image", "audio")}
    titles: set[str] = set()
    for item, item_id in enumerate(item_ids):
        # A generator for each item and modality: what one draws does not change the others.
        for_image, for_audio, for_text = (np.random.default_rng([seed, 4, item, place]) for place in range(3))
        image, audio = f"images/{item_id}.png", f"audio/{item_id}.wav"
        title, text = write_words(items.expression(item, for_text), titles, for_text)
        if has["image"][item]:
            draw_picture(items.expression(item, for_image), for_image).save(folder / image)
        if has["audio"][item]:
            sound = play_sound(items.expression(item, for_audio), for_audio)
            soundfile.write(str(folder / audio), sound, SAMPLE_RATE, subtype="PCM_16")
        table["item_id"].append(item_id)
        table["title"].append(title)
        table["text"].append(text if has["text"][item] else None)
        table["image"].append(image if has["image"][item] else None)
        table["audio"].append(audio if has["audio"][item] else None)
    return table


def _write_table(path: Path, columns: Mapping[str, Any]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
