"""What installing it as a service needs: pinned files, a unit for systemd, a check of health."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY

from docs.deploy.pins import HEAD, PINS, pins, python_version

UNIT = REPOSITORY / "docs/deploy/sourcebook.service"
# Of 10, as `systemd-analyze security` counts it; 2 and below it calls OK.
EXPOSURE = 2


def name_of(requirement: str) -> str:
    [name] = re.findall(r"^[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(text: str) -> dict[str, str]:
    """The versions in a file of requirements, by name."""
    return {name_of(found): found.split("==")[1] for found in re.findall(r"^\S+==\S+", text, re.M)}


def reported(name: str, version: str, digest: str) -> dict[str, Any]:
    file = {"archive_info": {"hashes": {"sha256": digest}}}
    return {"metadata": {"name": name, "version": version}, "download_info": file}


def test_the_hashes_of_all_machines_are_kept() -> None:
    one = {"install": [reported("Zed", "2", "aa"), reported("any", "1", "cc")]}
    other = {"install": [reported("any", "1", "cc"), reported("Zed", "2", "bb")]}
    assert pins([one, other]) == HEAD + (
        "any==1 \\\n    --hash=sha256:cc\n"
        "Zed==2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    )


def test_the_image_installs_what_the_tests_ran_with() -> None:
    text = PINS.read_text("utf-8")
    found = pinned(text)
    known = pinned((REPOSITORY / "constraints.txt").read_text("utf-8"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert {name_of(one) for one in project["dependencies"]} <= set(found)
    assert found == {name: known.get(name) for name in found}
    for requirement in text.removeprefix(HEAD).replace(" \\\n", "").splitlines():
        assert re.fullmatch(r"\S+==\S+(    --hash=sha256:[0-9a-f]{64})+", requirement)


def test_the_image_has_a_version_of_python() -> None:
    assert re.fullmatch(r"3\.\d\d", python_version())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_unit_and_finds_it_shut(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8")
    unit.write_text(text.replace("/opt/sourcebook/bin/sourcebook serve", "/bin/true"))
    judged = ["security", "--offline=true", f"--threshold={10 * EXPOSURE}"]
    for words in (["verify"], judged):
        done = subprocess.run(
            ["systemd-analyze", *words, str(unit)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
