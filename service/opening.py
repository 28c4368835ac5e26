"""Opens a library with the encoder that the user named, or else with the one that made it."""

import logging
from functools import cache
from pathlib import Path

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import DEFAULT_MODEL, shipped_models
from sourcebook.index.errors import LibraryError, SourcebookError
from sourcebook.index.folder import MadeWith, made_with
from sourcebook.index.library import Library
from sourcebook.index.passages import CUTTING

log = logging.getLogger(__name__)


@cache
def encoder_named(model: str) -> Encoder:
    """The encoder of that name, or the default where it is empty; loaded once per process."""
    return Encoder(model or DEFAULT_MODEL)


def own_encoder(fingerprint: str, name: str) -> Encoder | None:
    """The encoder with this fingerprint, if it is shipped or in a folder of that name."""
    shipped = next((each for each in shipped_models() if each.fingerprint == fingerprint), None)
    if not shipped and not Path(name).is_dir():
        return None
    try:
        found = encoder_named(shipped.name if shipped else name)
    except SourcebookError as error:
        log.warning("the encoder %s cannot be loaded: %s", name, error)
        return None
    return found if found.fingerprint == fingerprint else None


def open_library(folder: Path, model: str, *, create: bool = False) -> Library:
    """Open the library in `folder` with the encoder named `model`, or with its own if that is "".

    With `create` a missing library is begun, with the default encoder unless one is named. Raises
    what `Library` raises, and `LibraryError` where its own encoder is not at hand.
    """
    if model:
        return Library(folder, encoder_named(model), create=create)
    made = made_with(folder)
    encoder = own_encoder(made.fingerprint, made.name) if made else encoder_named("")
    if made and encoder is None:
        raise _not_at_hand(folder, made)
    return Library(folder, encoder or encoder_named(""), create=create, at_hand=own_encoder)


def upgrade_to(library: Library, model: str) -> str | None:
    """The encoder to upgrade a library to, by its name, or None if it is up to date.

    Without `model` it is the default one where another default made the library; a library that was
    made with a model of the user's own keeps it. Passages that earlier rules cut are cut anew.
    """
    made = library.encoder
    names = [each.name for each in shipped_models() if each.fingerprint == made.fingerprint]
    if not model and names and DEFAULT_MODEL not in names:
        return DEFAULT_MODEL
    with library.view() as view:
        return made.name if view.cutting < CUTTING else None


def why_upgrade(library: Library, encoder: str) -> str:
    """A sentence on what the upgrade to that encoder is for."""
    if encoder == library.encoder.name:
        return "An earlier release cut the passages of this library by other rules."
    return f"This library was made with {library.encoder.name}."


def advice(library: Library, encoder: str) -> str:
    """What to tell the user of a library that can be upgraded to that encoder."""
    model = "" if encoder == DEFAULT_MODEL else f"--model {encoder} "
    command = f"sourcebook --library {library.folder} {model}upgrade"
    with library.view() as view:
        begun = view.upgrade()
    if begun:
        return (
            f"This library is being brought to {begun.encoder}: {begun.done:,} of {begun.total:,} "
            f"passages. To go on where it stopped: {command}"
        )
    aim = "cut them anew" if encoder == library.encoder.name else f"bring it to {encoder}"
    return f"{why_upgrade(library, encoder)} To {aim}: {command}"


def _not_at_hand(folder: Path, made: MadeWith) -> LibraryError:
    return LibraryError(
        f"The library was made with the encoder {made.name!r}, which is not at hand.",
        cure=f"Name it with --model, or bring the library to {DEFAULT_MODEL}: "
        f"sourcebook --library {folder} upgrade",
    )
