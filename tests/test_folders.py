"""Tests that a library in a read-only folder is read, and that one of a group is shared."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import article_from

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.folder import DATABASE
from sourcebook.index.library import Library
from sourcebook.service.access.file import AccessFile
from sourcebook.service.access.roles import Role

REPOSITORY = Path(__file__).parent.parent
COCA = "The council of Tumaco counts 312 hectares of coca in 2024. It blames the rain."
STORAGE = "/problems/storage"
VISA = "The consulate of Quito issued 4,211 visas in 2023. It blames nobody."

# Runs a command in a mount namespace of its own, in which the folder $1 is mounted read-only.
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'

READER = """
import json, sys
from pathlib import Path
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from sourcebook.eval.cli.app import app as commands
from sourcebook.index.check import check
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.errors import SourcebookError
from sourcebook.index.library import Library
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app

folder, key = Path(sys.argv[1]), sys.argv[2]
with Library(folder, Encoder()) as library:
    app = create_app(Answering(Engine.of(library)))
    with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
        for line in sys.stdin:
            method, path, body = json.loads(line)
            if method == "CHECK":
                print(json.dumps([one.what for one in check(library)]), flush=True)
                continue
            if method == "RUN":
                ran = CliRunner().invoke(commands, ["--library", str(folder), path])
                print(json.dumps([ran.exit_code, ran.stderr]), flush=True)
                continue
            got = client.request(method, path, json=body)
            print(json.dumps([got.status_code, got.json()]), flush=True)
"""


class Reader:
    """A server in a process that can only read a library."""

    def __init__(self, folder: Path, key: str, *, tmpdir: str = "") -> None:
        more = {"TMPDIR": tmpdir} if tmpdir else {}
        self.process = subprocess.Popen(
            [*read_only(folder), sys.executable, "-c", READER, str(folder), key],
            cwd=REPOSITORY,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)} | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, method: str, path: str = "", body: object = None) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([method, path, body]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def asked(self, question: str) -> str:
        status, answer = self("GET", f"/v1/ask?q={question.replace(' ', '+')}")
        assert status == 200
        return " ".join(one["text"] for one in answer["sentences"])

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=60)


def read_only(folder: Path) -> list[str]:
    return ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", str(folder)]


@pytest.fixture(scope="module")
def mountable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where nothing can be mounted read-only."""
    folder = tmp_path_factory.mktemp("mounted")
    if not shutil.which("unshare"):
        pytest.skip("unshare(1), which mounts a folder read-only, is not here")
    tried = [*read_only(folder), "sh", "-c", f"! touch {folder}/file"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no folder can be mounted read-only here: {done.stderr.strip()}")


@pytest.fixture
def keyed(encoder: Encoder, tmp_path: Path) -> tuple[Path, str]:
    """The folder of a library with an article and an administrator's key."""
    folder = tmp_path / "library"
    with Library(folder, encoder, create=True) as library:
        library.add([article_from(COCA, "coca")])
    return folder, AccessFile(folder, 30).add_key("reader", Role.ADMIN, 600, 600)


def files_in(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells whether the files in a folder were changed."""
    found = {str(file): file.stat() for file in folder.rglob("*")}
    return {name: (facts.st_size, facts.st_mtime_ns) for name, facts in found.items()}


@pytest.mark.usefixtures("mountable")
def test_a_read_only_folder_is_read_and_every_change_refused(keyed: tuple[Path, str]) -> None:
    folder, key = keyed
    before = files_in(folder)
    with Reader(folder, key) as reader:
        assert "312 hectares" in reader.asked("How many hectares of coca does Tumaco count?")
        _, page = reader("GET", "/v1/articles")
        [article] = page["articles"]
        path = f"/v1/articles/{article['id']}"
        for readable in (path, f"{path}/passages", "/v1/library", "/v1/trash", "/v1/audit"):
            assert reader("GET", readable)[0] == 200, readable
        status, ready = reader("GET", "/readyz")
        assert (status, {one["state"] for one in ready["checks"]}) == (200, {"ok"})
        assert reader("CHECK") == []
        for method, changed, body in (
            ("POST", "/v1/articles", {"text": VISA}),
            ("PUT", path, {"text": VISA}),
            ("DELETE", path, None),
            ("DELETE", f"{path}?purge=true", None),
            ("POST", "/v1/session", {"key": key}),
        ):
            status, problem = reader(method, changed, body)
            assert (status, problem["type"]) == (507, STORAGE), changed
            assert "permissions" in problem["cure"]
    assert files_in(folder) == before


@pytest.mark.usefixtures("mountable")
def test_a_read_only_folder_needs_neither_indexes_nor_temporary_files(
    keyed: tuple[Path, str],
) -> None:
    folder, key = keyed
    shutil.rmtree(folder / "lexical")
    (folder / "dense.faiss").write_bytes(b"damaged")
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'cutting'")  # as an earlier release cut it
        connection.commit()
    with Reader(folder, key, tmpdir=str(folder)) as reader:
        assert "312 hectares" in reader.asked("How many hectares of coca does Tumaco count?")
        assert reader("CHECK") == []
        code, said = reader("RUN", "list")
        assert (code, "upgrade" in said) == (0, False), "who cannot do it is not told to"


@pytest.mark.usefixtures("mountable")
def test_what_another_process_writes_is_seen_through_a_read_only_folder(
    keyed: tuple[Path, str], encoder: Encoder
) -> None:
    folder, key = keyed
    question = "How many visas did the consulate of Quito issue?"
    with Reader(folder, key) as reader:
        assert reader.asked(question) == ""
        with Library(folder, encoder) as library:  # it makes a log, which the reader sees
            library.add([article_from(VISA, "visa")])
            assert "4,211 visas" in reader.asked(question)
            assert reader("CHECK") == []
            library.remove(next(one.record.id for one in library.add([article_from(VISA, "visa")])))
        assert reader.asked(question) == ""
        assert reader("CHECK") == []


AS_A_MEMBER = """
import os, sys
from pathlib import Path
from conftest import article_from
from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.library import Library
from sourcebook.service.access.file import AccessFile
from sourcebook.service.access.roles import Role
folder, name = Path(sys.argv[1]), sys.argv[2]
encoder = Encoder()
os.umask(0o077)  # the folder decides, not the user
os.setgroups([64_000])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[3]))
with Library(folder, encoder, create=True) as library:
    library.add([article_from(f"{name} counts 312 hectares of coca.", name)])
    AccessFile(folder, 30).add_key(name, Role.ASKER, 60, 60)
    print(library.read_only, library.drift(), len(library.holding("hectares")))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root, who alone can become other users")
def test_users_of_a_group_share_a_library() -> None:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        os.chown(folder, 0, 64_000)
        folder.chmod(0o2770)
        for number, name in enumerate(("Tumaco", "Quito", "Leticia")):
            done = subprocess.run(
                [sys.executable, "-c", AS_A_MEMBER, folder, name, str(64_001 + number % 2)],
                cwd=REPOSITORY,
                env=os.environ
                | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout == f"False [] {number + 1}\n", done.stderr
            assert "rebuilt" not in done.stderr
        names = {one.name for one in AccessFile(folder, 30).all_keys()}
        assert names == {"Tumaco", "Quito", "Leticia"}
    finally:
        shutil.rmtree(folder)


def test_the_keys_are_only_for_the_one_who_made_them(tmp_path: Path) -> None:
    AccessFile(tmp_path, 30).add_key("someone", Role.ASKER, 60, 60)
    assert stat.S_IMODE((tmp_path / "access.db").stat().st_mode) == 0o600
