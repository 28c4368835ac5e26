"""What training the reader further needs: its weights as floats, and the mean of two runs."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sourcebook.eval.training.network import Bert, Floats, read_parameters
from sourcebook.eval.training.published import PublishedModel, Shape, published_file
from sourcebook.index.encoding.convert import floats_of
from sourcebook.index.encoding.model_files import shipped_folder
from sourcebook.index.encoding.reader import NETWORK, READER

# Where the network adds what is no linear map and no layer norm.
POSITIONS, TYPES = ("bert/aten::slice/Slice", 0), ("bert/aten::add/Add_1", 1)


def shipped_parameters(shape: Shape) -> dict[str, Floats]:
    """The shipped reader in float32, named as `build.reader_network` takes it.

    Its int8 weights lie on a grid; trained further, they leave it. The second token type, which no
    text has, is 0.
    """
    others = {"bert.positions.weight": POSITIONS, "bert.types.weight": TYPES}
    found = floats_of(shipped_folder(READER) / NETWORK, others)
    first = found["bert.types.weight"].reshape(1, -1)
    found["bert.types.weight"] = np.concatenate([first, np.zeros_like(first)])
    names = {f"bert.{own}": f"bert.{theirs}" for own, theirs in Bert(shape).names().items()}
    return {names.get(own, own): values for own, values in found.items()}


def mean(runs: Iterable[dict[str, Floats]]) -> dict[str, Floats]:
    """The mean of the weights of several runs from one start.

    It is often better than each of them (Wortsman et al., "Model soups", ICML 2022).
    """
    whole = list(runs)
    return {name: np.mean([run[name] for run in whole], axis=0) for name in whole[0]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the shipped reader's weights, or the mean of several files, to an .npz file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the .npz file to write")
    parser.add_argument("runs", type=Path, nargs="*", help="files of runs; none: what is shipped")
    options = parser.parse_args(arguments)
    found = (
        mean(read_parameters([run]) for run in options.runs)
        if options.runs
        else shipped_parameters(PublishedModel(published_file()).shape)
    )
    halves = {name: values.astype(np.float16) for name, values in found.items()}
    np.savez(options.out, allow_pickle=False, **halves)


if __name__ == "__main__":
    main()
