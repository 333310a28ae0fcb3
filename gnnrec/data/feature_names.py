"""Names of features, as a user gives them."""

from collections.abc import Sequence

from gnnrec.data.modality import MODALITIES
from gnnrec.errors import UnknownNameError

__all__ = ["expand_feature_names"]


def expand_feature_names(names: Sequence[str], available: Sequence[str]) -> list[str]:
    """The features that are meant: a name itself, or all ``name.modality`` of an encoder of several modalities.

    Raises:
        UnknownNameError: If a name is neither.

    Example:
        >>> expand_feature_names(["clip", "whisper"], ["clip.image", "clip.text", "whisper"])
        ['clip.image', 'clip.text', 'whisper']
    """
    chosen: list[str] = []
    for name in names:
        parts = [name] if name in available else [f"{name}.{modality}" for modality in MODALITIES]
        found = [other for other in available if other in parts]
        if not found:
            raise UnknownNameError("features", name, available)
        chosen += [other for other in found if other not in chosen]
    return chosen
