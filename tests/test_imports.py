"""Folders of the server: what may be named, how an import is followed, and what comes again."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeLibrary, article_from
from fastapi.testclient import TestClient

from sourcebook.index.article import Metadata
from sourcebook.index.errors import InputError, NotAllowedError, NotFoundError
from sourcebook.index.library import Library
from sourcebook.service.adding.files import source_of
from sourcebook.service.adding.folders import SHOWN, Folders, Import
from sourcebook.service.adding.jobs import Jobs, JobStatus
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.settings import Settings

FINES = "The council voted on Tuesday to double the fines for dumping waste in the river."
TRAINS = "The ministry of transport will reopen the night train to the coast in spring."
PATIENCE_S = 60


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    return make_library()


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder that may be imported from, with two articles, one bad file, and links out of it."""
    folder = tmp_path / "allowed"
    (folder / "deep").mkdir(parents=True)
    (folder / "fines.txt").write_text(FINES)
    (folder / "deep" / "trains.md").write_text(TRAINS)
    (folder / "broken.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    (folder / "image.png").write_bytes(b"no article")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "secret.txt").write_text("The secret of the house is under the mat.")
    (folder / "link.txt").symlink_to(secret / "secret.txt")
    (folder / "linked").symlink_to(secret)
    return folder


@pytest.fixture
def client(library: Library, allowed: Path) -> Iterator[TestClient]:
    app = create_app(Answering(Engine.of(library)), Settings(import_folders=(allowed,)))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def finished(client: TestClient, where: str) -> dict[str, Any]:
    """The import once it is over."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(where).json()
        if found["finished"]:
            return found
        time.sleep(0.02)
    raise TimeoutError(where)


def imported(client: TestClient, folder: Path) -> dict[str, Any]:
    begun = client.post("/v1/imports", json={"folder": str(folder)})
    assert begun.status_code == 202, begun.text
    assert begun.json()["status"] in ("queued", "running", "done")
    assert begun.headers["location"] == f"/v1/imports/{begun.json()['id']}"
    return finished(client, begun.headers["location"])


def test_a_folder_is_imported(client: TestClient, allowed: Path, library: Library) -> None:
    found = imported(client, allowed)
    assert (found["status"], found["problem"]) == ("done", None)
    assert (found["done"], found["total"]) == (4, 4)
    assert found["actions"] == {"added": 2}
    assert {one["article"]["source"] for one in found["outcomes"]} == {
        source_of(file, library.folder)
        for file in (allowed / "fines.txt", allowed / "deep" / "trains.md")
    }
    assert found["failed"] == 2
    failures = {Path(one["source"]).name: one for one in found["failures"]}
    assert failures["broken.txt"]["kind"] == "unreadable"
    assert failures["link.txt"]["kind"] == "not-allowed"
    answer = client.get("/v1/ask", params={"q": "When will the night train reopen?"}).json()
    assert answer["citations"][0]["exact"] == TRAINS
    assert "secret" not in client.get("/v1/articles").text

    assert imported(client, allowed / "deep")["actions"] == {"unchanged": 1}
    listed = client.get("/v1/imports").json()
    assert listed["folders"] == [str(allowed)]
    assert [one["total"] for one in listed["imports"]] == [1, 4]
    gone = client.delete(f"/v1/imports/{found['id']}")
    assert gone.status_code == 200
    assert client.get(f"/v1/imports/{found['id']}").status_code == 404


def test_names_that_are_no_unicode_are_escaped(client: TestClient, allowed: Path) -> None:
    """Archives of other systems have them; one stopped the whole import."""
    deep = os.fsencode(allowed / "deep")
    for name, data in ((b"caf\xe9.txt", FINES.encode()), (b"\xff.txt", b"\x00")):
        try:
            Path(os.fsdecode(os.path.join(deep, name))).write_bytes(data)
        except OSError:
            pytest.skip("the file system has no such names")
    Path(os.fsdecode(os.path.join(deep, b"\xfe.txt"))).symlink_to(allowed / "fines.txt")
    found = imported(client, allowed / "deep")
    assert (found["status"], found["actions"], found["failed"]) == ("done", {"added": 2}, 2)
    failed = {Path(one["source"]).name: one["kind"] for one in found["failures"]}
    assert failed == {r"\xff.txt": "unreadable", r"\xfe.txt": "not-allowed"}
    assert [one["source"] for one in client.get("/v1/library").json()["failed"]]
    sources = [one["article"]["source"] for one in found["outcomes"]]
    assert [name for name in sources if name.endswith(r"deep/caf\xe9.txt")]
    assert imported(client, allowed / "deep")["actions"] == {"unchanged": 2}


@pytest.mark.parametrize(
    ("folder", "error", "said"),
    [
        ("{allowed}/..", NotAllowedError, "not in a folder that this server"),
        ("{allowed}/../secret", NotAllowedError, "not in a folder that this server"),
        ("{allowed}/deep/../../secret", NotAllowedError, "not in a folder that this server"),
        ("{allowed}-not", NotAllowedError, "not in a folder that this server"),
        ("/", NotAllowedError, "not in a folder that this server"),
        ("{allowed}/linked", NotAllowedError, "symbolic link"),
        ("{allowed}/linked/.", NotAllowedError, "symbolic link"),
        ("{allowed}/fines.txt", InputError, "expected a folder"),
        ("{allowed}/none", NotFoundError, "no folder"),
        ("allowed", InputError, "absolute"),
        ("", InputError, "absolute"),
        ("{allowed}/\0", InputError, "absolute"),
    ],
)
def test_what_may_not_be_imported(
    allowed: Path, folder: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        Folders([allowed]).files(folder.format(allowed=allowed))


def test_an_allowed_folder_may_itself_be_a_link(allowed: Path, tmp_path: Path) -> None:
    link = tmp_path / "articles"
    link.symlink_to(allowed)
    found = Folders([link]).files(str(link))
    assert {file.name for file in found} == {"fines.txt", "trains.md", "broken.txt", "link.txt"}
    assert all(file.is_relative_to(allowed.resolve()) for file in found)
    with pytest.raises(NotAllowedError):
        Folders([link]).files(str(allowed))


def test_a_file_that_becomes_a_link_is_not_read(
    allowed: Path, tmp_path: Path, library: Library
) -> None:
    folders = Folders([allowed])
    job = Import(library=library, folders=folders, folder="x", files=folders.files(str(allowed)))
    (allowed / "fines.txt").unlink()
    (allowed / "fines.txt").symlink_to(tmp_path / "secret" / "secret.txt")
    job.work()
    assert job.actions == {"added": 1}
    assert job.failed == 3


def test_a_cancelled_import_stops(allowed: Path, library: Library) -> None:
    reached, go_on = threading.Event(), threading.Event()

    class Slow(Folders):
        """Waits at the first file until it is told to go on."""

        def within(self, path: Path) -> Path:
            reached.set()
            go_on.wait(PATIENCE_S)
            return super().within(path)

    files = Folders([allowed]).files(str(allowed))
    jobs: Jobs[Import] = Jobs("import", "/v1/imports")
    job = jobs.add(
        lambda: Import(library=library, folders=Slow([allowed]), folder="x", files=files)
    )
    assert reached.wait(PATIENCE_S)
    assert jobs.cancel(job.id).status == JobStatus.CANCELLED
    go_on.set()
    last = jobs.add(lambda: Import(library=library, folders=Slow([]), folder="y", files=[]))
    end = time.monotonic() + PATIENCE_S
    while not last.over and time.monotonic() < end:
        time.sleep(0.01)
    assert last.status == JobStatus.DONE
    assert (job.status, job.done, job.total, job.result) == (JobStatus.CANCELLED, 0, 4, None)


def test_only_the_newest_are_shown(tmp_path: Path, library: Library) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(SHOWN + 5):
        (folder / f"{number:03}.txt").write_bytes(b"")
    folders = Folders([folder])
    job = Import(library=library, folders=folders, folder="x", files=folders.files(str(folder)))
    job.work()
    assert (job.failed, len(job.failures)) == (SHOWN + 5, SHOWN)
    assert job.failures[0].source.endswith(f"{SHOWN + 4:03}.txt")


# --- failures ------------------------------------------------------------------------------------


def test_a_failure_is_tried_again(client: TestClient, allowed: Path) -> None:
    imported(client, allowed)
    [failure] = client.get("/v1/library").json()["failed"]
    where = {"source": failure["source"]}
    refused = client.post("/v1/library/failures/retry", params=where)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/unreadable")
    assert client.get("/v1/library").json()["failed"][0]["attempts"] == 2

    (allowed / "broken.txt").write_text("It was repaired on Monday by the ministry.")
    added = client.post("/v1/library/failures/retry", params=where)
    assert added.status_code == 200
    assert [one["action"] for one in added.json()["outcomes"]] == ["added"]
    assert client.get("/v1/library").json()["failed"] == []
    assert client.post("/v1/library/failures/retry", params=where).status_code == 404


def test_only_failures_in_allowed_folders_are_tried_again(
    client: TestClient, library: Library, tmp_path: Path
) -> None:
    for source in (str(tmp_path / "secret" / "secret.txt"), "upload:a.txt", "https://e.org/x"):
        library.record_failure(source, InputError("It was bad."))
        refused = client.post("/v1/library/failures/retry", params={"source": source})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-allowed")
    assert client.get("/v1/articles").json()["total"] == 0


# --- coverage ------------------------------------------------------------------------------------


def test_coverage_by_month_and_publisher(make_library: MakeLibrary) -> None:
    dates = ["2025-09-19", "2025-09-02", "2025-09", "2025", None, None, "2024-12-31"]
    publishers = ["Gazette", "Gazette", "Herald", "Gazette", "", "", "Herald"]
    articles = [
        replace(
            article_from(f"Article {number} tells of the town of Number{number}.", f"{number}"),
            metadata=Metadata(publisher=publisher, published=date),
        )
        for number, (date, publisher) in enumerate(zip(dates, publishers, strict=True))
    ]
    copy = replace(articles[0], source="copy.txt")
    client = TestClient(create_app(Answering(Engine.of(make_library([*articles, copy])))))
    found = client.get("/v1/library/coverage").json()
    assert found["generation"] == 1
    rows = [tuple(row[name] for name in ("month", "publisher", "articles", "copies"))
            for row in found["coverage"]]  # fmt: skip
    assert rows == [
        (None, "", 2, 0),
        ("2024-12", "Herald", 1, 0),
        ("2025", "Gazette", 1, 0),
        ("2025-09", "Gazette", 3, 1),
        ("2025-09", "Herald", 1, 0),
    ]
    assert TestClient(create_app(Answering(Engine.of(make_library())))).get(
        "/v1/library/coverage"
    ).json() == {
        "generation": 0,
        "coverage": [],
    }
