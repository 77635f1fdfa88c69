"""The metrics of a night, as a file that Prometheus's node exporter collects."""

from pathlib import Path

from msgspec import structs
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from loaders.report import WORDS, Report


def write_metrics(report: Report, file: Path) -> None:
    """Write what came of the night to *file*, in one step, so that it is never read half written."""
    registry = CollectorRegistry()
    times = Gauge(
        "lansdata_nightly_timestamp_seconds", "When the night began and ended", ["moment"], registry=registry
    )
    times.labels("started").set(report.started_at.timestamp())
    times.labels("finished").set(report.finished_at.timestamp())
    labels = ["dataset", "source"]
    outcomes = Gauge(
        "lansdata_nightly_outcome", "1 for what came of a dataset", [*labels, "outcome"], registry=registry
    )
    seconds = Gauge("lansdata_nightly_seconds", "How long a dataset took", labels, registry=registry)
    figures = Gauge(
        "lansdata_nightly_figures",
        "Figures of a dataset: all observations, and those added, revised and removed by the night",
        [*labels, "kind"],
        registry=registry,
    )
    for line in report.datasets:
        for outcome in WORDS:
            outcomes.labels(line.dataset, line.source, outcome).set(outcome == line.outcome)
        seconds.labels(line.dataset, line.source).set(line.seconds)
        for kind, number in (structs.asdict(line.counts) if line.counts else {}).items():
            figures.labels(line.dataset, line.source, kind).set(number)
    write_to_textfile(str(file), registry)
