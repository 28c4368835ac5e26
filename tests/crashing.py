"""Run by attacks/kills.py: adds, replaces and removes articles until it is killed.

The encoder is loaded once; each round is a fork of this process. That is safe because PyTorch is
told to use one thread before it does anything, so no thread exists that a fork could lose.
(OpenVINO starts threads when it loads a model.)
"""

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from conftest import article_from, version

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.model_files import MINILM
from sourcebook.index.library import Library


def names_in(library: Library) -> list[str]:
    with library.view() as view:
        return [record.metadata.title for record in view.records()]


def work(encoder: Encoder, folder: Path, number: int, journal: Path) -> NoReturn:
    """Change the library for ever; the journal says what began and what was acknowledged."""
    chance = random.Random(number)
    with journal.open("a") as lines:

        def say(*words: object) -> None:
            lines.write(" ".join(map(str, words)) + "\n")
            lines.flush()

        library = Library(folder, encoder, create=True)
        for step in itertools.count():
            name = f"brief-{chance.randint(0, 7)}"
            if step % 4 == 3:
                library.close()  # saves the dense index
                library = Library(folder, encoder)
            elif chance.random() < 0.25 and (names := names_in(library)):
                name = chance.choice(names)
                article = article_from("none", name)
                say("begin", name, "-")
                library.remove(article.id)
                say("done", name, "-")
            else:
                article = version(name, 1000 * number + step)
                say("begin", name, article.sha256)
                for _ in library.adding([article]):
                    say("done", name, article.sha256)
    raise AssertionError("unreachable")


def main() -> None:
    torch.set_num_threads(1)
    encoder = Encoder(MINILM, convert=False)  # in PyTorch, which can be forked
    encoder.codec  # noqa: B018 (computed once, before the forks)
    print("ready", flush=True)
    for line in sys.stdin:
        folder, number, seconds, journal = line.split("\t")
        child = os.fork()
        if not child:
            try:
                work(encoder, Path(folder), int(number), Path(journal.strip()))
            finally:
                os._exit(1)
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else f"ended {status}", flush=True)


if __name__ == "__main__":
    main()
