"""``gnnrec demo``."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gnnrec.data import Dataset
    from gnnrec.serving import Predictor

__all__ = ["demo"]

# Few factors of its own leave the recommending to VBPR's content, which is all that new items have.
MODELS: dict[str, dict[str, Any]] = {
    "popularity": {},
    "lightgcn": {},
    "vbpr": {"embedding_dim": 8, "regularization": 0.01},
}
KS = (10, 20)


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the catalog and the runs go.")] = Path("gnnrec-demo"),
    seed: Annotated[int, typer.Option(help="Seed of the catalog and of training.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """The whole way on a made-up catalog: real PNG, WAV and text files, three models, recommendations."""
    import time

    from gnnrec.cli.output import print_json, status
    from gnnrec.data import read_dataset
    from gnnrec.data.demo_catalog import write_demo_catalog
    from gnnrec.errors import ArgumentError
    from gnnrec.serving import load

    if folder.exists() and any(folder.iterdir()) and not (folder / "catalog" / "items.parquet").is_file():
        raise ArgumentError(f"'--folder' {folder} holds other files; choose an empty one")
    started = time.perf_counter()
    catalog = write_demo_catalog(folder / "catalog", seed=seed)
    status(
        f"wrote {catalog.num_items} items with pictures, sounds and words, and what {catalog.num_users} users took, "
        f"to {catalog.folder}"
    )
    status(
        f"some items lack content ({_counts(catalog.missing)}); {len(catalog.new_items)} are new: nobody took them yet"
    )
    neighbours = _encode(folder, catalog.tastes, seed, show=not json)
    dataset = read_dataset(folder / "catalog")
    for note in dataset.notes:
        status(note)
    rows = {}
    for name in MODELS:
        status(f"training {name} ...")
        rows[name] = _train(name, dataset, folder / "runs" / name, seed)
    if json:
        seconds = round(time.perf_counter() - started, 1)
        print_json({"seconds": seconds, "models": rows, "neighbours_of_the_same_world": neighbours})
        return
    _print_models(rows)
    _show_user(dataset, load(folder / "runs" / "vbpr"), folder)
    status(f"{time.perf_counter() - started:.0f} s in all. What to try next:")
    home = shlex.quote(str(folder))
    for command in (
        f"gnnrec recommend {home}/runs/vbpr --user {dataset.users.ids([1])[0]}",
        f"gnnrec similar {home}/runs/vbpr --item {dataset.items.ids([0])[0]}",
        f"gnnrec compare {home}/runs/lightgcn {home}/runs/vbpr --metric recall@20",
        f"gnnrec data info {home}/catalog",
        f"gnnrec encode {home}/catalog --encoder colour-histogram",
        f"gnnrec train lattice {home}/catalog --features audioclip-tiny",
    ):
        status(f"  {command}")


def _encode(folder: Path, worlds: dict[str, str], seed: int, *, show: bool) -> dict[str, float]:
    """Fit an encoder to the catalog and encode it; gives how often the nearest neighbour is of the same world."""
    import shutil
    import warnings

    from encoders.errors import RandomWeightsWarning
    from gnnrec.cli.output import status
    from gnnrec.data import read_dataset
    from gnnrec.data.content_catalog import content_catalog
    from gnnrec.data.demo_encoder import DEMO_ENCODER, fit_demo_encoder
    from gnnrec.data.encoding import encode_items

    path, weights = folder / "catalog", folder / f"{DEMO_ENCODER}.safetensors"
    shutil.rmtree(path / "features", ignore_errors=True)  # an earlier demo's
    status(f"fitting {DEMO_ENCODER}: pictures, sounds and words of one item shall be near each other ...")

    def tell(epoch: int, loss: float) -> None:
        if epoch % 10 == 0:
            status(f"  epoch {epoch}: loss {loss:.2f}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomWeightsWarning)  # they are about to be trained
        items = fit_demo_encoder(content_catalog(read_dataset(path)), weights, seed=seed, on_epoch=tell)
    status(f"fitted on the {items} items that have all three; encoding ...")
    encode_items(path, DEMO_ENCODER, weights=weights)
    return _compare_neighbours(read_dataset(path), worlds, show=show)


def _compare_neighbours(dataset: "Dataset", worlds: dict[str, str], *, show: bool) -> dict[str, float]:
    """The share of nearest neighbours of the same world by pair; prints the sounds nearest to some pictures."""
    import torch

    from gnnrec.cli.output import print_table, status

    ids = [str(item) for item in dataset.items.ids(range(dataset.num_items))]
    assert dataset.catalog is not None, "the demo catalog has items.parquet"
    titles = dataset.catalog["title"].tolist()
    vectors = {
        name.rpartition(".")[2]: (one.mask.nonzero().flatten(), torch.nn.functional.normalize(one.x[one.mask]))
        for name, one in dataset.features.items()
    }
    shares: dict[str, float] = {}
    nearest: dict[str, list[tuple[int, int]]] = {}
    for source, target in (("image", "audio"), ("text", "image"), ("audio", "text")):
        (rows, left), (columns, right) = vectors[source], vectors[target]
        similarity = (left @ right.T).masked_fill(rows[:, None] == columns[None], -2)  # the item itself is no neighbour
        found = columns[similarity.argmax(dim=1)]
        nearest[source] = list(zip(rows.tolist(), found.tolist(), strict=True))
        same = [worlds[ids[one]] == worlds[ids[other]] for one, other in nearest[source]]
        shares[f"{source} to {target}"] = round(sum(same) / len(same), 3)
    table = [
        [titles[one], titles[other], "yes" if worlds[ids[one]] == worlds[ids[other]] else ""]
        for one, other in nearest["image"][:: max(1, len(nearest["image"]) // 6)][:6]
    ]
    if show:
        print_table("pictures and the sound nearest to each", ["picture of", "sound of", "same world"], table)
    told = ", ".join(f"{pair} {share:.0%}" for pair, share in shares.items())
    status(f"nearest neighbours of the same hidden world: {told} (by chance about 13 %)")
    return shares


def _train(name: str, dataset: "Dataset", folder: Path, seed: int) -> dict[str, Any]:
    import shutil

    from gnnrec.evaluation import EvalOptions
    from gnnrec.training import TrainOptions
    from gnnrec.training.allocator import keep_freed_memory
    from gnnrec.training.experiment import run_experiment
    from gnnrec.training.progress import ProgressBar

    keep_freed_memory()
    if (folder / "run.json").is_file():
        shutil.rmtree(folder)  # an earlier demo's run
    # A small log: smaller steps than the default, or an epoch would be three of them.
    options = TrainOptions(batch_size=512, max_epochs=200, seed=seed)
    return run_experiment(
        name,
        dataset,
        folder,
        model_options=MODELS[name],
        options=options,
        evaluation=EvalOptions(ks=KS),
        callbacks=[ProgressBar(options.metric)],
    ).to_dict()


def _print_models(rows: dict[str, dict[str, Any]]) -> None:
    from gnnrec.cli.output import print_table

    table = []
    for name, row in rows.items():
        test, new = row["test"], row["test"]["by_item_count"][0]
        table.append(
            [
                name,
                test["recall@20"],
                test["ndcg@20"],
                new["recall@20"],
                test["coverage@20"],
                row["fit_seconds"],
            ]
        )
    columns = ["model", "recall@20", "ndcg@20", "new items found @20", "catalog covered", "seconds"]
    print_table("test figures", columns, table)


def _show_user(dataset: "Dataset", predictor: "Predictor", folder: Path) -> None:
    """Print one user's history and recommendations, and draw them."""
    from gnnrec.cli.output import print_table, status
    from gnnrec.data.demo.sheet import draw_sheet

    user = int(dataset.train.user_degree.median(dim=0).indices)
    user_id = dataset.users.ids([user])[0]
    titles = dict(zip(dataset.items.ids(range(dataset.num_items)), predictor.titles, strict=True))
    taken = dataset.items.ids(dataset.train.item[dataset.train.user == user].numpy())
    print_table(f"{user_id} took", ["item", "title"], [[str(item), titles[item]] for item in taken[:10]])
    later = set(dataset.items.ids(dataset.test.item[dataset.test.user == user].numpy()))
    answer = predictor.recommend([user_id], k=10)[0].items
    rows = [[str(item.item_id), item.title, item.score, "yes" if item.item_id in later else ""] for item in answer]
    print_table(f"vbpr recommends to {user_id}", ["item", "title", "score", "took it later"], rows)
    assert dataset.catalog is not None, "the demo catalog has items.parquet"
    pictures = dict(zip(titles, dataset.catalog["image"], strict=True))

    def covers(items: list[Any]) -> list[tuple[str, Path | None]]:
        return [
            (str(titles[item]), folder / "catalog" / pictures[item] if isinstance(pictures[item], str) else None)
            for item in items
        ]

    sheet = folder / "recommendations.png"
    recommended = [item.item_id for item in answer]
    draw_sheet(
        [(f"{user_id} took", covers(taken[:7])), (f"vbpr recommends to {user_id}", covers(recommended[:7]))], sheet
    )
    status(f"the same as a picture: {sheet}")


def _counts(missing: Any) -> str:
    return ", ".join(f"{count} no {modality}" for modality, count in missing.items())
