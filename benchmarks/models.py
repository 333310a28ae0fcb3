"""Every model of the registry on real data, tuned on validation under one budget.

    python benchmarks/models.py search DATA...      the points of benchmarks/spaces.py, once with seed 0
    python benchmarks/models.py final DATA...       the search's best point and the defaults, seeds 1, 2, 3
    python benchmarks/models.py fusion DATA...      five models with each fusion at their best points, seeds 1, 2, 3
    python benchmarks/models.py features DATA...    models of content at their best points with every feature of the set
    python benchmarks/models.py cold DATA...        models of content on items that training never saw, seeds 1, 2, 3
    python benchmarks/models.py table               results/models.md, fusion.md and cold.md from the records

Every finished run is one line of results/models.jsonl, so a killed command goes on where it stopped. Several processes
may share the work: --models, or --shard 1/2 and --shard 2/2. The search reads validation figures only.
"""

import argparse
import itertools
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from cold_table import write_cold_table
from fusion_table import write_fusion_table
from models_table import write_models_table
from own_process import run_in_own_process
from plan import (
    chosen_point,
    cold_jobs,
    every_feature_jobs,
    final_jobs,
    fusion_jobs,
    fusions_of,
    search_jobs,
    searched,
)
from records import Budget, Job, Record, Records, Source, find
from run_job import run_job
from spaces import FUSION_MODELS, MAX_EPOCHS, PATIENCE, content_models, points

from gnnrec.errors import GnnrecError
from gnnrec.models import list_models

RECORDS = Path(__file__).parent / "results" / "models.jsonl"


def jobs_of(what: str, source: Source, model: str, budget: Budget, records: list[Record], defaults: bool) -> list[Job]:
    """The runs of a command for one model on one data set.

    Raises:
        LookupError: If they depend on a search that has not finished.
    """
    if what == "search":
        return search_jobs(source, model, budget)
    finished, wanted = len(searched(records, source, model, budget)), len(points(model))
    if finished < wanted and not defaults:
        raise LookupError(f"{source.name} {model}: {finished} of {wanted} points of the search have run")
    point = {} if defaults else chosen_point(records, source, model, budget)
    if what == "features":
        return every_feature_jobs(source, model, point, budget)
    if what == "cold":
        return cold_jobs(source, model, point, budget)
    if what == "fusion":
        fusions = dict.fromkeys(fusions_of(model).values()) if model in FUSION_MODELS else ()
        return [job for fusion in fusions for job in fusion_jobs(source, model, point, fusion, budget)]
    chosen = final_jobs(source, model, point, budget)
    return chosen + (final_jobs(source, model, {}, budget) if point else [])


def run_all(jobs: list[Job], records: Records, device: str, rerun: bool) -> list[str]:
    """Run what has no record yet; give what went wrong."""
    problems = []
    for number, job in enumerate(jobs, start=1):
        if not rerun and find(job, records.read()) is not None:
            continue
        try:
            on_device = replace(job, device=device)
            record = {**job.describe(), **run_in_own_process(run_job, on_device, records.cache)}
        except Exception as error:
            if not any(problem.endswith(str(error)) for problem in problems):
                traceback.print_exc()
            problems.append(f"{job}: {error}")
            continue
        records.append(record)
        print(f"{number}/{len(jobs)} {job}: {_figures(record)}", flush=True)
    return problems


def _figures(record: Record) -> str:
    if "failed" in record:
        return f"failed: {record['failed']}"
    memory = f"{record['peak_mib']} MiB"
    return f"valid {record['valid']['recall@20']:.4f}, {record['epochs']} epochs, {record['seconds']:.0f} s, {memory}"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["search", "final", "features", "fusion", "cold", "table"])
    parser.add_argument("data", type=Path, nargs="*", help="data folders")
    parser.add_argument("--models", nargs="+", choices=list_models(), help="these models only")
    parser.add_argument("--shard", default="1/1", help="the I-th of every N runs, as I/N")
    parser.add_argument("--max-epochs", type=int, default=MAX_EPOCHS, help="epochs of a run at most")
    parser.add_argument("--patience", type=int, default=PATIENCE, help="epochs without improvement before it stops")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:1")
    parser.add_argument("--records", type=Path, default=RECORDS, help="file of finished runs; tables go beside it")
    parser.add_argument("--rerun", action="store_true", help="run what has a record, too; the latest counts")
    parser.add_argument("--defaults", action="store_true", help="fusion, cold: at the defaults, without a search")
    options = parser.parse_args()
    if (options.what == "table") == bool(options.data):
        parser.error("give data folders to every command but 'table'")
    if options.defaults and options.what not in ("fusion", "cold"):
        parser.error("--defaults is for fusion and cold")
    try:
        options.shard_index, options.num_shards = map(int, options.shard.split("/"))
    except ValueError:
        parser.error(f"--shard must read I/N (got {options.shard})")
    if not 1 <= options.shard_index <= options.num_shards:
        parser.error(f"--shard must lie between 1/N and N/N (got {options.shard})")
    if options.models is None:
        eligible = {"fusion": list(FUSION_MODELS), "cold": content_models(), "features": content_models()}
        options.models = eligible.get(options.what, list_models())
    return options


def main() -> int:
    """Run a command; gives the exit code."""
    options = parse_arguments()
    records, budget = Records(options.records), Budget(options.max_epochs, options.patience)
    if options.what == "table":
        for write in (write_models_table, write_fusion_table, write_cold_table):
            print(f"written: {write(records, budget)}")
        return 0
    try:
        sources = [Source.from_folder(path) for path in options.data]
    except GnnrecError as error:
        print(error, file=sys.stderr)
        return 2
    jobs: list[Job] = []
    problems: list[str] = []
    done = records.read()
    for source, model in itertools.product(sources, options.models):
        try:
            jobs += jobs_of(options.what, source, model, budget, done, options.defaults)
        except LookupError as error:
            problems.append(str(error))
    problems += run_all(jobs[options.shard_index - 1 :: options.num_shards], records, options.device, options.rerun)
    for problem in problems:
        print(f"not run: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
