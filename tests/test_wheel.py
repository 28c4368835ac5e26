"""The wheel: in a fresh environment it works from any folder, with all its data."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY

Run = Callable[..., subprocess.CompletedProcess[str]]

FOLDERS = ("seeds", "index", "service", "eval")
DATA = {
    "sourcebook/index/storage/schema.sql",
    "sourcebook/service/access/schema.sql",
    "sourcebook/index/encoding/models/all-MiniLM-L6-v2/model.bin",
    "sourcebook/index/encoding/models/all-MiniLM-L6-v2/about.json",
    "sourcebook/index/py.typed",
    "sourcebook/service/py.typed",
    "sourcebook/service/page/index.html",
    "sourcebook/service/http/examples.json",
    "sourcebook/service/documents/styles/apa.csl",
    "sourcebook/service/documents/styles/LICENSE.md",
    "sourcebook/eval/py.typed",
    "sourcebook/eval/gold/seeds.jsonl",
    "sourcebook/seeds/colombia-decertification-meaning.md",
}
# What serving must not load, though the environment of the tests has it.
HEAVY = {"torch", "transformers", "sentence_transformers", "nncf", "scipy", "sklearn"}

pytestmark = pytest.mark.timeout(300)  # it builds and installs


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy: setuptools leaves its work in the source folder."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(REPOSITORY / name, source / name)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, source / name, ignore=ignored)
    # Built with the setuptools that is installed, so that nothing is downloaded in a test.
    build = "from setuptools import build_meta; build_meta.build_wheel({!r})"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build.format(str(built))],
        cwd=source,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of a fresh environment that has the wheel, in a folder far from the source.

    The environment also sees the packages of this one, as installing them again takes minutes.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    programs = folder / "venv" / "bin"
    packages = Path(
        sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}, scheme="venv")
    )
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install"]
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, str(wheel)], check=True)
    ours = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "others.pth").write_text("\n".join(ours))

    def run_there(program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [programs / program, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run_there


def test_it_holds_the_modules_and_the_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path for name in FOLDERS for path in (REPOSITORY / name).rglob("*.py")}
    assert names >= {f"sourcebook/{path.relative_to(REPOSITORY)}" for path in modules}
    assert names >= DATA


def test_only_one_name_is_installed(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sourcebook"}


def test_it_is_the_wheel_that_runs(run: Run) -> None:
    code = "import json, sourcebook.index, sys; print(json.dumps(list(sourcebook.index.__path__)))"
    [place] = json.loads(run("python", "-c", code).stdout)
    assert place.endswith("site-packages/sourcebook/index")
    assert not place.startswith(str(REPOSITORY))


def test_the_commands_work(run: Run) -> None:
    assert run("sourcebook", "--version").stdout.startswith("sourcebook ")
    seeds = run("python", "-c", "import sourcebook.seeds as s; print(s.__path__[0])").stdout.strip()
    added = run("sourcebook", "add", seeds, "--json")
    articles = [outcome["article"]["id"] for outcome in json.loads(added.stdout)["outcomes"]]
    assert len(articles) == 5, added.stderr
    asked = run("sourcebook", "ask", "What does decertification mean for Colombia?", "--json")
    answer = json.loads(asked.stdout)
    assert answer["status"] == "answered", asked.stderr
    cited = run("sourcebook", "cite", articles[0], "--style", "apa")
    assert "(2026, " in cited.stdout, cited.stderr


def test_serving_needs_none_of_the_heavy_packages(run: Run) -> None:
    code = (
        "import json, sys, sourcebook.eval.cli.app, sourcebook.eval.http.routes,"
        " sourcebook.service.http.app, sourcebook.service.documents.references;"
        "from sourcebook.index.encoding.encoder import Encoder;"
        "Encoder().codec; print(json.dumps(sorted(sys.modules)))"
    )
    done = run("python", "-c", code)
    loaded = set(json.loads(done.stdout)) if done.returncode == 0 else set()
    assert {"openvino", "fastapi"} <= loaded, done.stderr
    assert not loaded & HEAVY


def test_the_page_is_served(run: Run) -> None:
    code = (
        "from pathlib import Path; from fastapi.testclient import TestClient;"
        "from sourcebook.index.encoding.encoder import Encoder;"
        "from sourcebook.index.library import Library;"
        "from sourcebook.service.answering import Answering;"
        "from sourcebook.service.asking.engine import Engine;"
        "from sourcebook.service.http.app import create_app;"
        "engine = Engine.of(Library(Path('page'), Encoder(), create=True));"
        "print(TestClient(create_app(Answering(engine))).get('/').text)"
    )
    done = run("python", "-c", code)
    assert "<title>Sourcebook" in done.stdout, done.stderr
