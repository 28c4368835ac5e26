"""Checksums of a folder's files: any change of any file is noticed, and known files are kept."""

from pathlib import Path

import pytest

from sourcebook.index.checksums import CHECKSUMS, check_files, write_checksums

FILES = {"a.term": b"a" * 3_000_000, "b.store": b"b" * 10, "empty": b"", "meta.json": b"{}"}
DAMAGE = (OSError, ValueError, TypeError, AttributeError)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "x.lock").touch()
    (tmp_path / "ignored").touch()
    record(tmp_path)
    return tmp_path


def record(folder: Path) -> None:
    write_checksums(folder, mutable=["meta.json"], ignored=["ignored"])


def test_whole_files_pass(folder: Path) -> None:
    check_files(folder)
    (folder / "unknown").write_bytes(b"half written")
    (folder / "ignored").write_bytes(b"changed")
    (folder / "x.lock").unlink()
    check_files(folder)


@pytest.mark.parametrize("name", [*FILES, CHECKSUMS])
def test_a_file_that_is_gone_is_missed(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(OSError, match=name):
        check_files(folder)


@pytest.mark.parametrize("name", [*FILES, CHECKSUMS])
def test_a_longer_file_is_noticed(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(DAMAGE):
        check_files(folder)


@pytest.mark.parametrize("name", ["a.term", "b.store", "meta.json", CHECKSUMS])
def test_a_flipped_bit_is_noticed(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 20)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        (folder / name).write_bytes(damaged)
        with pytest.raises(DAMAGE):
            check_files(folder)


def test_a_known_file_is_not_read_again_and_a_mutable_one_is(folder: Path) -> None:
    for name in ("b.store", "meta.json"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[::-1].replace(b"b", b"c"))
    (folder / "new.term").write_bytes(b"new")
    record(folder)
    with pytest.raises(ValueError, match=r"b\.store"):
        check_files(folder)
    (folder / "b.store").write_bytes(FILES["b.store"])
    check_files(folder)


def test_the_record_is_not_written_when_nothing_changed(folder: Path) -> None:
    before = (folder / CHECKSUMS).stat()
    record(folder)
    assert (folder / CHECKSUMS).stat().st_ino == before.st_ino
    (folder / "new.term").touch()
    record(folder)
    assert (folder / CHECKSUMS).stat().st_ino != before.st_ino


def test_a_damaged_record_is_made_anew(folder: Path) -> None:
    (folder / CHECKSUMS).write_bytes(b"[1]")
    record(folder)
    check_files(folder)
