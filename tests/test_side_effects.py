"""Importing Sourcebook changes nothing in the process: no threads, handlers or settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

from test_architecture import MODULES, ROOT, imports

# Imports what others have written, looks at the process, imports one module of ours after the
# other, and looks again.
SCRIPT = """
import contextlib, faulthandler, gc, importlib, json, locale, logging, multiprocessing, os, signal
import socket, sys, threading, warnings

theirs, ours = json.load(sys.stdin)
for name in theirs:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)

import faiss, numpy, threadpoolctl
from transformers.utils.logging import is_progress_bar_enabled


def state():
    loggers = {"root": logging.root, **logging.root.manager.loggerDict}
    return {
        "environment": dict(os.environ),
        "threads of libraries": [
            (each["filepath"], each["num_threads"]) for each in threadpoolctl.threadpool_info()
        ],
        "threads of OpenMP": faiss.omp_get_max_threads(),
        "threads of Python": [thread.name for thread in threading.enumerate()],
        "threads": os.path.isdir("/proc/self/task") and len(os.listdir("/proc/self/task")),
        "signal handlers": [signal.getsignal(number) for number in signal.valid_signals()],
        "loggers": {
            name: (logger.level, [*logger.handlers], [*logger.filters], logger.propagate)
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger)
            and (logger.level or logger.handlers or logger.filters or not logger.propagate)
        },
        "records": (logging.getLogRecordFactory(), logging.root.manager.disable),
        "warnings": list(warnings.filters),
        "progress bars": is_progress_bar_enabled(),
        "numbers": numpy.geterr(),
        "hooks": (sys.excepthook, threading.excepthook, sys.displayhook),
        "others": (
            os.getcwd(), locale.setlocale(locale.LC_ALL), socket.getdefaulttimeout(),
            multiprocessing.get_start_method(allow_none=True), faulthandler.is_enabled(),
            sys.getrecursionlimit(), sys.getswitchinterval(), gc.get_threshold(), gc.isenabled(),
        ),
    }


before = state()
imported = 0
for name in ours:
    try:
        importlib.import_module(name)
    except ImportError as error:
        if (error.name or "sourcebook").startswith("sourcebook"):
            raise
        continue  # an optional extra that is not installed
    imported += 1
    after = state()
    for what in before:
        if after[what] != before[what]:
            print(f"{name} changes {what}: {before[what]} to {after[what]}")
    before = after
print(imported)
"""


def test_no_import_changes_the_process() -> None:
    names = {name for tree in MODULES.values() for name, depth in imports(tree) if not depth}
    theirs = {name for name in names if not name.startswith("sourcebook.")}
    theirs |= {name.rpartition(".")[0] for name in theirs if "." in name}
    *changes, imported = run(sorted(theirs), [f"sourcebook.{module}" for module in MODULES])
    assert changes == []
    assert int(imported) > 0.9 * len(MODULES)


def test_a_change_is_noticed(tmp_path: Path) -> None:
    changing = {
        "environment": "import os; os.environ['SOURCEBOOK_TEST'] = 'x'",
        "threads of libraries": "from threadpoolctl import threadpool_limits; threadpool_limits(1)",
        "threads of Python": "import threading; threading.Timer(9, print).start()",
        "signal handlers": "import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "loggers": "import logging; logging.basicConfig()",
        "warnings": "import warnings; warnings.simplefilter('error')",
    }
    for number, code in enumerate(changing.values()):
        (tmp_path / f"changing{number}.py").write_text(code)
    *changes, _ = run([], [f"changing{number}" for number in range(len(changing))], tmp_path)
    for number, what in enumerate(changing):
        start = f"changing{number} changes {what}:"
        assert [line for line in changes if line.startswith(start)], changes


def run(theirs: list[str], ours: list[str], folder: Path = ROOT) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        input=json.dumps([theirs, ours]),
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout.splitlines()
