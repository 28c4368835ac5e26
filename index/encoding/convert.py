"""The conversion of a model to int8; needs the extra `models`."""

import json
import logging
import shutil
import tempfile
import warnings
from pathlib import Path

import nncf
import numpy as np
import openvino
import torch
from filelock import FileLock

from sourcebook.index.encoding.model_files import DESCRIPTION, NETWORK, TOKENIZER
from sourcebook.index.encoding.samples import prose, random_texts
from sourcebook.index.encoding.torch_model import Ids, TorchModel

log = logging.getLogger(__name__)


def convert_folder(folder: Path, target: Path) -> None:
    """Write the int8 form of the model in `folder` to `target`, whole or not at all.

    What is there already stays as it is. Raises `InputError` where the model cannot be loaded,
    and what OpenVINO and NNCF raise where it cannot be converted.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if target.exists():
            return
        log.warning("converting %s to int8, once; this takes about half a minute", folder.name)
        model = TorchModel(str(folder))
        # Prose shows the usual range of activations, random words the rest of the vocabulary's.
        texts = [*prose(), *random_texts(model.tokenizer)[:50]]
        samples = [
            np.array([model.tokenizer.encode(text).ids[: model.max_pieces]]) for text in texts
        ]
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            made = Path(temporary) / "made"
            made.mkdir()
            _quantise(model, samples, made / NETWORK)
            model.tokenizer.save(str(made / TOKENIZER))
            about = {"max_pieces": model.max_pieces, "multi_vector": model.multi_vector}
            (made / DESCRIPTION).write_text(json.dumps(about), "utf-8")
            shutil.move(made, target)


def _quantise(model: TorchModel, samples: list[Ids], path: Path) -> None:
    """Write the model with int8 weights and activations to `path` (.xml, and .bin beside it).

    `samples`, ids (1, pieces), are inputs to measure the range of activations on (static
    quantisation with SmoothQuant, Xiao et al., 2023, as NNCF does it for transformers).
    """
    logging.getLogger("nncf").setLevel(logging.WARNING)
    inputs = [{"input_ids": ids, "attention_mask": np.ones_like(ids)} for ids in samples]
    example = {name: torch.from_numpy(values) for name, values in inputs[0].items()}
    with warnings.catch_warnings():
        # Tracing warns of every branch in the model that it takes once for all.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(model.module.eval(), example_input=example)
        quantised = nncf.quantize(
            converted,
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(samples),
        )
    openvino.save_model(quantised, path)
