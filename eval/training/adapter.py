"""The file of the encoder's adapter: its matrices in int8, with one scale for each row."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def read_adapter(path: Path) -> dict[str, Floats]:
    """The matrices of an adapter, `<linear map>.a` and `<linear map>.b`, by name.

    An .npz of float arrays is taken as it is; one of int8 has beside each `name` its `name.scale`.
    """
    with np.load(path) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return {
        name: values.astype(np.float32) * found.get(f"{name}.scale", np.float32(1))
        for name, values in found.items()
        if not name.endswith(".scale")
    }


def write_adapter(adapter: Mapping[str, Floats], path: Path) -> None:
    """Write it in half of the bytes of half precision; no value moves by more than 0.4 %."""
    arrays: dict[str, NDArray[np.int8] | Floats] = {}
    for name, values in adapter.items():
        scale = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-12) / 127
        arrays[f"{name}.scale"] = scale.astype(np.float32)
        arrays[name] = np.rint(values / scale).astype(np.int8)
    np.savez(path, allow_pickle=False, **arrays)
