"""What the machine can do at best, and how much work the encoder needs for a text."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sourcebook.index.encoding.model_files import find_shipped

SIZE = 1024  # of the matrices: large enough for NumPy to reach its peak, done in milliseconds
SCANNED_BYTES = 2**28  # larger than the caches of common processors
REPEATS = 5  # the best of them counts
# One 512-bit instruction multiplies and adds 64 pairs of int8 (VPDPBUSD) or 16 of float32.
INT8_GAIN = 4
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The peaks that NumPy reached with `threads` threads.

    `flops` are float32 operations per second in a matrix product (a multiplication and an addition
    count as two). `bytes_per_second` are those read by the product of a vector and a matrix that
    is larger than the caches, which is what exact dense search does.
    """

    threads: int
    flops: float
    bytes_per_second: float

    @property
    def int8_macs(self) -> float:
        """The int8 multiply-adds per second that follow from the float32 rate."""
        return INT8_GAIN * self.flops / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The shape of a BERT-like encoder."""

    layers: int
    dimensions: int
    inner: int

    def macs(self, pieces: float) -> float:
        """The multiply-adds of one pass over a text of `pieces` word pieces."""
        d = self.dimensions
        # Four projections, two feed-forward layers, then queries by keys and by values.
        return self.layers * pieces * (4 * d * d + 2 * d * self.inner + 2 * pieces * d)


def network_of(model: str) -> Network | None:
    """The shape of a model, from the files in its folder; None if they do not say."""
    shipped = find_shipped(model)
    folder = shipped.folder if shipped else Path(model)
    try:
        facts = json.loads((folder / "config.json").read_text("utf-8"))
        return Network(
            layers=facts["num_hidden_layers"],
            dimensions=facts["hidden_size"],
            inner=facts["intermediate_size"],
        )
    except (OSError, ValueError, KeyError):
        return None


def measure_peaks() -> tuple[Peak, ...]:
    """The peaks of one thread and of all cores, each measured in a new process."""
    return tuple(_measured(threads) for threads in dict.fromkeys((1, os.cpu_count() or 1)))


def _measured(threads: int) -> Peak:
    done = subprocess.run(
        [sys.executable, "-m", "sourcebook.eval.bench.peaks"],
        env=os.environ | dict.fromkeys(THREADS, str(threads)),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Peak(threads=threads, **json.loads(done.stdout))


def _best(call: Callable[[], object]) -> float:
    """The seconds of the fastest call after the first."""
    call()
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def main() -> None:
    """Print the peaks of this process as JSON."""
    square = np.ones((SIZE, SIZE), np.float32)
    scanned = np.ones((SCANNED_BYTES // 4 // SIZE, SIZE), np.float32)
    found = {
        "flops": 2 * SIZE**3 / _best(lambda: square @ square),
        "bytes_per_second": SCANNED_BYTES / _best(lambda: scanned @ square[0]),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
