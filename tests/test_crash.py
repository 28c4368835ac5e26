"""`kill -9` and a full disk while articles are added: what was acknowledged is there."""

from pathlib import Path

from attacks import disk_full, kills


def test_kill_at_random_moments(tmp_path: Path) -> None:
    assert kills.attack(8, tmp_path).faults == ()


def test_a_full_disk_at_random_sizes(tmp_path: Path) -> None:
    assert disk_full.attack(4, tmp_path).faults == ()
