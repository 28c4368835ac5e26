"""Settings: defaults, environment variables, and what is refused."""

import os
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from index.errors import InputError
from index.read import MAX_BYTES
from index.weights import DEFAULT_MODEL
from service.settings import Settings, from_environment, variable_of


def test_the_defaults_repeat_those_of_the_index() -> None:
    assert Settings().model == DEFAULT_MODEL
    assert Settings().max_upload_bytes == MAX_BYTES


def test_every_setting_has_a_variable_and_help() -> None:
    for one in fields(Settings):
        assert variable_of(one.name) == f"SOURCEBOOK_{one.name.upper()}"
        assert one.metadata["help"].endswith(".")


def test_variables_are_read() -> None:
    found = from_environment(
        {
            "SOURCEBOOK_LIBRARY": "/data/mine",
            "SOURCEBOOK_PORT": "0",
            "SOURCEBOOK_LOG_LEVEL": "DEBUG",
            "SOURCEBOOK_MODEL": "",
            "SOURCEBOOK_IMPORT_FOLDERS": f"/srv/a{os.pathsep}{os.pathsep}/b",
            "PORT": "1",
        }
    )
    assert found == Settings(
        library=Path("/data/mine"),
        port=0,
        log_level="debug",
        import_folders=(Path("/srv/a"), Path("/b")),
    )


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("SOURCEBOOK_PORT", "abc", "a whole number"),
        ("SOURCEBOOK_PORT", "65536", "from 0 to 65535"),
        ("SOURCEBOOK_PORT", "-1", "from 0 to 65535"),
        ("SOURCEBOOK_MAX_UPLOAD_BYTES", "0", "above 0"),
        ("SOURCEBOOK_LOG_LEVEL", "loud", "debug, info, warning, error"),
        ("SOURCEBOOK_HOST", "  ", "an address or host name"),
        ("SOURCEBOOK_MODEL", " ", "a model"),
        ("SOURCEBOOK_IMPORT_FOLDERS", f"/srv{os.pathsep}b", "absolute paths"),
    ],
)
def test_a_bad_value_is_named(variable: str, value: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        from_environment({variable: value})
    assert variable in caught.value.message
    assert repr(value) in caught.value.message
    assert expected in caught.value.message
    assert variable in caught.value.cure


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]
