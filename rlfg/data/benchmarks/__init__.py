"""The benchmarks of fine-grained classification, read as their pages publish them. docs/benchmarks.md lists them."""

from rlfg.data.benchmarks import aircraft, cars, cub, dogs, flowers, food, inat, pets
from rlfg.data.benchmarks.model import Benchmark, Download, Row
from rlfg.data.benchmarks.prepare import Prepared, PrepareSpec, prepare
from rlfg.data.benchmarks.report import report
from rlfg.errors import RlfgError

BENCHMARKS = {
    one.name: one
    for one in (
        cub.BENCHMARK,
        aircraft.BENCHMARK,
        flowers.BENCHMARK,
        food.BENCHMARK,
        pets.BENCHMARK,
        cars.BENCHMARK,
        dogs.BENCHMARK,
        inat.BENCHMARK,
        inat.MINI,
    )
}


def benchmark(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        RlfgError: there is none.
    """
    if name not in BENCHMARKS:
        raise RlfgError(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def custom(taxonomy: str | None = None, root: str | None = None) -> Benchmark:
    """Any dataset of which nothing is published: it has no files to look for and no counts to compare."""
    return Benchmark(name="custom", title="this dataset", taxonomy=taxonomy, root=root)


__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "Download",
    "PrepareSpec",
    "Prepared",
    "Row",
    "benchmark",
    "custom",
    "prepare",
    "report",
]
