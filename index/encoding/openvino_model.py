"""The model as OpenVINO runs it in int8; the only module that needs OpenVINO to answer."""

import logging
import os
import queue
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from sourcebook.index.checksums import check_files, write_checksums
from sourcebook.index.encoding.word_vectors import WordVectors
from sourcebook.index.processors import usable_processors

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Requests = queue.LifoQueue[openvino.InferRequest]

# Compiled for any shape, the model prepares itself anew for every shape that differs from the one
# before, which takes as long as a question. So texts are filled up: one alone to what the model is
# compiled for on its own, several to a multiple of so many pieces.
ALONE = (32, 64)
MULTIPLE = 16
ANY = (-1, -1)
# A network takes either the numbers of word pieces or their vectors.
IDS, VECTORS, MASK = "input_ids", "inputs_embeds", "attention_mask"

log = logging.getLogger(__name__)


class OpenVinoModel:
    """A converted model, see `convert.quantise`. Safe to share between threads.

    It gives two values: one for each word piece, (texts, pieces, values), and one for each text,
    (texts, values).
    """

    def __init__(
        self,
        path: Path,
        cache: Path,
        *,
        words: WordVectors | None = None,
        lengths: Sequence[int] = ALONE,
    ) -> None:
        """Load the model at `path` (.xml); it is compiled for this processor where it is used.

        What is compiled is kept in the folder `cache`, where that can be written. `words` are the
        word vectors of a model that does not hold them, `lengths` those that it is compiled for
        when a text goes through it alone. Raises `RuntimeError` where it is damaged or this
        processor cannot run it.
        """
        # A stream with one thread for each core: texts run side by side rather than each over all
        # cores, so that no thread waits for another that is not scheduled.
        self.streams = usable_processors()
        self._path = path
        self._cache = cache
        self._words = words
        self._lengths = tuple(lengths)
        self._compiling = threading.Lock()
        self._idle: dict[tuple[int, ...], Requests] = {}
        self._requests((1, self._lengths[0]))

    def forward(self, ids: Ids, mask: Ids) -> tuple[Floats, Floats]:
        """(texts, pieces) ids and mask to what the model gives for each piece and each text.

        That is token vectors and unit pooled vectors where it is an encoder.
        """
        texts, pieces = ids.shape
        filled = -(-pieces // MULTIPLE) * MULTIPLE
        shape = ANY
        if texts == 1 and pieces <= self._lengths[-1]:
            filled = next(length for length in self._lengths if pieces <= length)
            shape = (1, filled)
        inputs = self._filled(ids, mask, filled)
        idle = self._requests(shape)
        request = idle.get()
        try:
            found = request.infer(inputs, share_inputs=True, share_outputs=True)
            tokens, pooled = found.values()
            # Copied, because the request's own memory is the next caller's.
            return np.array(tokens[:, :pieces], np.float32), np.array(pooled, np.float32)
        finally:
            idle.put(request)

    def _filled(self, ids: Ids, mask: Ids, pieces: int) -> dict[str, Ids | Floats]:
        """The inputs of the network, filled up to so many pieces."""
        rest = ((0, 0), (0, pieces - ids.shape[1]))
        ids, mask = np.pad(ids, rest), np.pad(mask, rest)
        if self._words is None:
            return {IDS: ids, MASK: mask}
        return {VECTORS: self._words.gather(ids), MASK: mask}

    def _requests(self, shape: tuple[int, ...]) -> Requests:
        """The idle requests of the model for inputs of this shape, one a stream."""
        if shape not in self._idle:
            with self._compiling:
                if shape not in self._idle:
                    self._idle[shape] = self._compile(shape)
        return self._idle[shape]

    def _compile(self, shape: tuple[int, ...]) -> Requests:
        """Takes a second, and a tenth of it once the compiled model is in the cache."""
        core = openvino.Core()
        model = core.read_model(str(self._path))
        sizes = {MASK: list(shape)}
        if self._words is None:
            sizes[IDS] = list(shape)
        else:
            sizes[VECTORS] = [*shape, self._words.dimensions]
        model.reshape(sizes)
        options = {
            "NUM_STREAMS": str(self.streams),
            "INFERENCE_NUM_THREADS": str(self.streams),
            # Some processors would choose bfloat16 for what is not int8: no quicker here, and with
            # float32 the vectors hardly depend on the processor.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        cache = self._cache / "x".join(str(size) for size in shape)
        _drop_damaged(cache)
        try:
            compiled = core.compile_model(model, "CPU", options | _caching(cache))
            with suppress(OSError):
                write_checksums(cache)
        except RuntimeError as error:  # the disk may be full
            log.warning("the model is compiled without the cache %s: %s", cache, error)
            compiled = core.compile_model(model, "CPU", options)
        # The last one that was used is the next one: its data may still be in the core's cache.
        requests: Requests = queue.LifoQueue()
        for _ in range(self.streams):
            requests.put(compiled.create_infer_request())
        return requests


def _caching(cache: Path) -> dict[str, str]:
    """The option that keeps a compiled model, where its folder can be written."""
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    return {"CACHE_DIR": str(cache)} if os.access(cache, os.W_OK) else {}


def _drop_damaged(cache: Path) -> None:
    """Delete a compiled model that is not as it was kept: OpenVINO does not compare it itself."""
    kept = {file.name for file in cache.glob("*.blob")}
    if not kept:
        return
    try:
        unknown = kept - check_files(cache)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("the compiled model in %s is damaged; compiling it anew: %s", cache, error)
        unknown = kept
    if unknown:
        shutil.rmtree(cache, ignore_errors=True)
