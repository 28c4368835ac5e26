"""The model as OpenVINO runs it in int8; the only module that needs OpenVINO to answer."""

from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class OpenVinoModel:
    """A converted model; see `index.torch_model.convert`."""

    def __init__(self, path: Path) -> None:
        """Compile the model at `path` (.xml) for this processor; takes about a second.

        Raises `RuntimeError` where it is damaged or this processor cannot run it.
        """
        # What was compiled is kept beside the model, so that the next start is quick.
        options = {"PERFORMANCE_HINT": "LATENCY", "CACHE_DIR": str(path.parent / "compiled")}
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._request = compiled.create_infer_request()

    def forward(self, ids: Ids, mask: Ids) -> tuple[Floats, Floats]:
        """(texts, pieces) ids and mask to token vectors and unit pooled vectors."""
        outputs = self._request.infer({"input_ids": ids, "attention_mask": mask})
        tokens, pooled = outputs[0], outputs[1]
        return np.array(tokens, dtype=np.float32), np.array(pooled, dtype=np.float32)
