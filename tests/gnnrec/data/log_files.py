"""Small logs written in every format that gnnrec reads."""

from pathlib import Path

import numpy as np
import pandas as pd

PARTS = ("train", "valid", "test")
Row = tuple[int, int, int]  # user, item, part


def write_mmrec(folder: Path, rows: list[Row], name: str = "log") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["userID\titemID\tx_label"] + [f"{user}\t{item}\t{part}" for user, item, part in rows]
    (folder / f"{name}.inter").write_text("\n".join(lines) + "\n")
    return folder


def write_lightgcn(folder: Path, rows: list[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(PARTS):
        by_user: dict[int, list[int]] = {}
        for user, item, where in rows:
            if where == number:
                by_user.setdefault(user, []).append(item)
        lines = [" ".join(map(str, [user, *items])) for user, items in sorted(by_user.items())]
        (folder / f"{part}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


def write_recbole(folder: Path, rows: list[Row], name: str = "log", prefix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(PARTS):
        lines = ["user_id:token\titem_id:token\trating:float"]
        lines += [f"{prefix}{user}\t{prefix}{item}\t1.5" for user, item, where in rows if where == number]
        if len(lines) > 1 or number == 0:
            (folder / f"{name}.{part}.inter").write_text("\n".join(lines) + "\n")
    return folder


def write_table(path: Path, rows: list[Row], prefix: str = "") -> Path:
    frame = pd.DataFrame(
        {
            "user_id": [f"{prefix}{user}" if prefix else user for user, _, _ in rows],
            "item_id": [f"{prefix}{item}" if prefix else item for _, item, _ in rows],
            "split": [PARTS[part] for _, _, part in rows],
        }
    )
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def write_folder(folder: Path, rows: list[Row], items: list[int]) -> Path:
    """gnnrec's own form, without users.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "interactions.parquet", rows)
    pd.DataFrame({"item_id": items}).to_parquet(folder / "items.parquet", index=False)
    return folder


def write_features(path: Path, num_items: int, dim: int = 3, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(num_items, dim)).astype(np.float32)
    np.save(path, values)
    return values


def rows_of(dataset) -> list[tuple[str, str, str]]:
    """Sorted (user id, item id, part) of a data set, ids as text."""
    rows = []
    for name, part in dataset.parts().items():
        users, items = dataset.users.ids(part.user.numpy()), dataset.items.ids(part.item.numpy())
        rows += [(str(user), str(item), name) for user, item in zip(users, items, strict=True)]
    return sorted(rows)
