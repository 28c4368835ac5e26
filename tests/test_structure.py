"""The figures of the structure, by hand on a small checkout in the new and in the old layout."""

from pathlib import Path

import pytest

from docs.structure import table

FILES = {
    "index/__init__.py": '"""Search."""\n',
    "index/library.py": (
        "import json\n\n\ndef open():\n    import sqlite3\n    return sqlite3, json\n"
    ),
    "service/__init__.py": "",
    "service/asking/__init__.py": "",
    "service/asking/answer.py": "from NS.index.library import open\n",
    "service/asking/engine.py": (
        "from typing import TYPE_CHECKING\n"
        "from NS.index.library import open as one\n"
        "from NS.service.asking.answer import open as two\n"
        "if TYPE_CHECKING:\n"
        "    from NS.service.asking import missing\n"
    ),
}


@pytest.mark.parametrize("namespace", ["sourcebook.", ""])
def test_modules_levels_and_imports_are_counted(tmp_path: Path, namespace: str) -> None:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("NS.", namespace), encoding="utf-8")
    rows = {name.strip(): tuple(map(float, figures)) for name, *figures in table(tmp_path)}
    # modules, lines, levels, imports, in functions, module median and max, function median and max
    assert rows["index"] == (2, 7, 1, 0, 1, 4, 6, 3, 3)
    assert rows["service.asking"] == (3, 6, 2, 1, 0, 1, 5, 0, 0)
    assert rows["all"] == (6, 13, 3, 3, 1, 1, 6, 3, 3)
