"""The model as OpenVINO runs it in int8; the only module that needs OpenVINO to answer."""

import os
import queue
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class OpenVinoModel:
    """A converted model; see `index.torch_model.convert`. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Compile the model at `path` (.xml) for this processor; takes about a second.

        Raises `RuntimeError` where it is damaged or this processor cannot run it.
        """
        # A stream with one thread for each core: texts run side by side rather than each over all
        # cores, so that no thread waits for another that is not scheduled.
        self.streams = len(os.sched_getaffinity(0))
        options = {
            "NUM_STREAMS": str(self.streams),
            "INFERENCE_NUM_THREADS": str(self.streams),
            # What was compiled is kept beside the model, so that the next start is quick.
            "CACHE_DIR": str(path.parent / "compiled"),
        }
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._idle: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for _ in range(self.streams):
            self._idle.put(compiled.create_infer_request())

    def forward(self, ids: Ids, mask: Ids) -> tuple[Floats, Floats]:
        """(texts, pieces) ids and mask to token vectors and unit pooled vectors."""
        request = self._idle.get()
        try:
            outputs = request.infer({"input_ids": ids, "attention_mask": mask})
            # Copied, because the request's own memory is the next caller's.
            return np.array(outputs[0], np.float32), np.array(outputs[1], np.float32)
        finally:
            self._idle.put(request)
