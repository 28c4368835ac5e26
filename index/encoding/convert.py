"""The conversion of a model to int8; needs the extra `models`."""

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino
import torch
from filelock import FileLock
from numpy.typing import NDArray
from openvino import opset13 as opset

from sourcebook.index.checksums import write_checksums
from sourcebook.index.encoding.model_files import DESCRIPTION, NETWORK, TOKENIZER
from sourcebook.index.encoding.samples import prose, random_texts
from sourcebook.index.encoding.torch_model import TorchModel

IDS, MASK = "input_ids", "attention_mask"
Array = NDArray[Any]

# Values of a constant that is worth halving: a matrix, not a bias.
LARGE = 100_000

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
            inputs = [{IDS: ids, MASK: np.ones_like(ids)} for ids in samples]
            quantise(model.module, inputs, made / NETWORK)
            model.tokenizer.save(str(made / TOKENIZER))
            about = {"max_pieces": model.max_pieces, "multi_vector": model.multi_vector}
            (made / DESCRIPTION).write_text(json.dumps(about), "utf-8")
            write_checksums(made)
            shutil.move(made, target)


def quantise(
    module: torch.nn.Module,
    inputs: Sequence[Mapping[str, Array]],
    path: Path,
    precise: Sequence[str] = (),
) -> None:
    """Write a network with int8 weights and activations to `path` (.xml, and .bin beside it).

    What is `precise`, linear maps by their place in the network, is computed in float32; their
    weights are kept in half precision.

    The range of activations is measured on `inputs`, one mapping of names to arrays for each text
    (static quantisation with SmoothQuant, Xiao et al., 2023, as NNCF does it for transformers).
    """
    logging.getLogger("nncf").setLevel(logging.WARNING)
    maps = [f"__module.{place}/aten::linear/MatMul" for place in precise]
    example = {name: torch.from_numpy(values) for name, values in inputs[0].items()}
    with warnings.catch_warnings():
        # Tracing warns of every branch in the model that it takes once for all.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(module.eval(), example_input=example)
        quantised = nncf.quantize(
            converted,
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(inputs),
            ignored_scope=nncf.IgnoredScope(names=maps) if precise else None,
        )
    if precise:
        _halve(quantised)
    openvino.save_model(quantised, path)


def floats_of(path: Path, others: Mapping[str, tuple[str, int]]) -> dict[str, Array]:
    """The parameters of a network that `quantise` wrote, in float32, named by their places in it.

    Those of its linear maps and layer norms, and `others`, which are named by the operation that
    takes them and the number of its input.
    """
    network = openvino.Core().read_model(path)
    steps = {step.get_friendly_name(): step for step in network.get_ordered_ops()}
    found: dict[str, Array] = {}
    for name, step in steps.items():
        place, _, kind = name.removeprefix("__module.").partition("/aten::")
        if kind == "linear/MatMul":
            weight = _constant(step.input_value(1).get_node())
            found[f"{place}.weight"] = weight * _smoothing(step.input_value(0).get_node())
        elif kind in ("linear/Add", "layer_norm/Add", "layer_norm/Multiply_1"):
            part = "weight" if kind == "layer_norm/Multiply_1" else "bias"
            found[f"{place}.{part}"] = _constant(step.input_value(1).get_node()).reshape(-1)
    for name, (operation, number) in others.items():
        found[name] = _constant(steps[f"__module.{operation}"].input_value(number).get_node())
    return found


def _constant(node: openvino.Node) -> Array:
    """What a constant is after its conversion to float32 and its scaling."""
    first = node.input_value(0).get_node() if node.get_input_size() else node
    match node.get_type_name():
        case "Constant":
            return np.array(node.data, np.float32)
        case "Multiply":
            return _constant(first) * _constant(node.input_value(1).get_node())
        case "Convert":
            return _constant(first)
    raise ValueError(f"{node.get_friendly_name()} is no constant")


def _smoothing(node: openvino.Node) -> Array:
    """By what SmoothQuant multiplied the values that a linear map takes; 1 where it did not."""
    if node.get_type_name() == "FakeQuantize":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Multiply" or "smooth_quant" not in node.get_friendly_name():
        return np.ones(1, np.float32)
    return _constant(node.input_value(1).get_node()).reshape(-1)


def _halve(network: openvino.Model) -> None:
    """Keep large constants in half precision: OpenVINO does not where others are in int8."""
    for constant in network.get_ordered_ops():
        if (
            constant.get_type_name() == "Constant"
            and constant.get_element_type() == openvino.Type.f32
            and constant.data.size > LARGE
        ):
            half = opset.constant(constant.data.astype(np.float16))
            whole = opset.convert(half, "f32")
            for place in constant.output(0).get_target_inputs():
                place.replace_source_output(whole.output(0))
