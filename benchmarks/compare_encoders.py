r"""Encoders x regimes x recommenders on one data set: quality, gain over no content, seconds and memory.

    python benchmarks/compare_encoders.py DATA --encoders audioclip-tiny resnet50=weights.pth minilm+resnet50 \
        --regimes frozen finetune end-to-end --models vbpr lattice --seeds 1 2 3

Encoders joined by + make a run's features together. Each run is a folder of results/.cache/compare, named by a hash of
all that it depends on: what is there is not run again, and what was interrupted goes on. The report is written as
Markdown, as CSV with a row a run, and as a page of HTML with plots and pictures.
"""

import argparse
import shlex
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import get_type_hints

from encoder_cache import Cache, is_finished
from encoder_figures import panel_rows, reference_rows
from encoder_page import to_html
from encoder_pictures import neighbour_sheets
from encoder_plots import gains_file
from encoder_report import Report, runs_csv, to_markdown
from encoder_run import EncoderJob, run_encoder_job
from encoder_study import REGIMES, EncoderChoice, Plan, Setting, Study, plan
from own_process import run_in_own_process

from encoders.errors import EncoderError
from encoders.store import Catalog
from gnnrec.cli.settings import read_value
from gnnrec.data import Dataset
from gnnrec.data.splits import list_splits
from gnnrec.errors import GnnrecError
from gnnrec.models import list_models
from gnnrec.training import TrainOptions
from gnnrec.training.live_options import LiveOptions

HERE = Path(__file__).resolve().parent
Finished = dict[tuple[Setting, int], Path]


def run_all(wanted: Plan, seeds: Sequence[int], cache: Cache) -> tuple[Finished, dict[str, str], bool]:
    """Run what is not there; seed by seed, so that an interrupted command has compared everything with the first.

    Returns:
        Run folders; why others are missing; whether something failed that should have worked.
    """
    settings = wanted.settings()
    missing = {str(setting): reason for setting, reason in wanted.impossible.items()}
    finished: Finished = {}
    failed = False
    for number, (seed, setting) in enumerate([(seed, setting) for seed in seeds for setting in settings], start=1):
        if str(setting) in missing:
            continue
        folder = cache.run_folder(setting, seed)
        contents = cache.contents_of(setting.encoders) if setting.encoders else {}
        job = EncoderJob(cache.study, setting, seed, folder, contents)
        said = f"{number}/{len(seeds) * len(settings)} {job}"
        if not is_finished(folder):
            try:
                reason = run_in_own_process(run_encoder_job, job)
            except Exception as error:  # the other runs are worth having
                traceback.print_exc()
                missing[str(job)] = f"{type(error).__name__}: {error}"
                failed = True
                continue
            if reason is not None:
                missing[str(setting)] = reason
                print(f"{said}: not possible: {reason}", file=sys.stderr, flush=True)
                continue
        finished[setting, seed] = folder
        print(f"{said}: {folder.name}", file=sys.stderr, flush=True)
    return finished, missing, failed


def write_report(
    out: Path, cache: Cache, wanted: Plan, finished: Finished, *, command: str, missing: dict[str, str]
) -> Report:
    """Write the report in its three forms, and its gains as a picture for the Markdown."""
    dataset, catalog = cache.dataset, cache.catalog
    report = Report(
        study=cache.study,
        name=dataset.name,
        command=command,
        fingerprint=cache.fingerprint,
        num_users=dataset.num_users,
        num_items=dataset.num_items,
        num_candidates=int((dataset.train.item_degree == 0).sum())
        if cache.study.candidates == "new"
        else dataset.num_items,
        interactions={part: len(interactions) for part, interactions in dataset.parts().items()},
        split=dataset.split,
        contents={kind: sum(one is not None for one in entries) for kind, entries in catalog.contents.items()},
        panels=panel_rows(wanted, finished),
        references=reference_rows(wanted, finished),
        missing=missing,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    picture = out.with_name(f"{out.name}_gains.svg")
    picture.write_text(gains_file(report), encoding="utf-8")
    out.with_name(f"{out.name}.md").write_text(to_markdown(report, [picture.name]), encoding="utf-8")
    out.with_name(f"{out.name}.csv").write_text(runs_csv(report), encoding="utf-8")
    page = to_html(report, neighbour_sheets(report, dataset, catalog))
    out.with_name(f"{out.name}.html").write_text(page, encoding="utf-8")
    return report


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder or log")
    parser.add_argument("--encoders", nargs="+", default=[], metavar="NAME[=WEIGHTS][+NAME...]")
    parser.add_argument("--regimes", nargs="+", choices=REGIMES, default=["frozen"])
    parser.add_argument("--models", nargs="+", choices=list_models(), default=["vbpr", "lattice"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--features", nargs="+", default=[], help="feature files as further rows, such as an oracle")
    parser.add_argument("--feature-folder", type=Path, help="a further folder of feature files")
    parser.add_argument("--baselines", nargs="+", choices=list_models(), default=[], help="more models without content")
    parser.add_argument("--content", nargs="+", default=[], help="such as image='posters/{item_id}.jpg'")
    parser.add_argument("--items", type=Path, help="further table of the items")
    parser.add_argument("--split", choices=list_splits(), default="given")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--candidates", choices=["all", "new"], default="all", help="items to rank")
    parser.add_argument("--set", nargs="+", default=[], help="of encoder training, such as max_items=64")
    parser.add_argument("--max-epochs", type=int, default=1000)
    parser.add_argument("--patience", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "compare_encoders", help="less its ending")
    parser.add_argument("--cache", type=Path, help="folder of runs [default: .cache/compare beside --out]")
    given = parser.parse_args(arguments)
    if not given.encoders and not given.features:
        parser.error("name something to compare: --encoders, --features or both")
    return given


def study_of(given: argparse.Namespace) -> Study:
    """What all runs share.

    Raises:
        ValueError: If a setting or a template has another form, or a value cannot work.
    """
    known = get_type_hints(LiveOptions)
    texts = dict(map(_pair, given.set))
    if unknown := sorted(texts.keys() - known.keys()):
        raise ValueError(f"--set: unknown {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    settings = {name: read_value(name, text, known[name]) for name, text in texts.items()}
    return Study(
        data=given.data.resolve(),
        split=given.split,
        split_seed=given.split_seed,
        candidates=given.candidates,
        options=TrainOptions(
            max_epochs=given.max_epochs, patience=given.patience, batch_size=given.batch_size, device=given.device
        ),
        live=LiveOptions(**settings),
        templates=tuple(map(_pair, given.content)),
        items=given.items and given.items.resolve(),
        feature_folder=given.feature_folder and given.feature_folder.resolve(),
    )


def check_parts(study: Study, dataset: Dataset) -> None:
    """Refuse data on which nothing could be selected or reported.

    Raises:
        ValueError: If a part is empty, or has no new item where only such are ranked.
    """
    known = dataset.train.item_degree > 0
    for part in ("valid", "test"):
        items = dataset.parts()[part].item
        if len(items) == 0:
            raise ValueError(f"{dataset.name} has no {part} part")
        if study.candidates == "new" and bool(known[items].all()):
            raise ValueError(f"{dataset.name}: no {part} item is new, so nothing can be ranked; add --split cold-item")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise ValueError(f"must read NAME=VALUE (got {text!r})")
    return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, write the report; gives the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = parse_arguments(arguments)
    try:
        study = study_of(given)
        dataset = study.read()
        check_parts(study, dataset)
        catalog = study.catalog(dataset) if given.encoders else Catalog(given.data, dataset.items.array.tolist(), {})
        wanted = plan(
            study,
            catalog,
            models=given.models,
            encoders=[EncoderChoice.parse(text) for text in given.encoders],
            regimes=given.regimes,
            features=given.features,
            baselines=given.baselines,
        )
        cache = Cache(given.cache or given.out.parent / ".cache" / "compare", study, dataset, catalog)
        for setting in wanted.settings():  # unknown features, stale ones and missing weights, before the first run
            cache.run_folder(setting, 0)
    except (GnnrecError, EncoderError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    finished, missing, failed = run_all(wanted, list(dict.fromkeys(given.seeds)), cache)
    command = shlex.join(["python", "benchmarks/compare_encoders.py", *arguments])
    write_report(given.out, cache, wanted, finished, command=command, missing=missing)
    print(f"written: {given.out}.md, .csv and .html", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
