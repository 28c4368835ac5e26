"""Settings: defaults, environment variables, and what is refused."""

import os
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from sourcebook.index.errors import InputError
from sourcebook.index.parsing.parse import MAX_BYTES
from sourcebook.service.settings import Settings, from_environment, variable_of

# What other programs call the same.
STANDARD = {"traces_url": "OTEL_EXPORTER_OTLP_ENDPOINT"}


def test_the_limit_of_uploads_repeats_that_of_the_index() -> None:
    assert Settings().max_upload_bytes == MAX_BYTES


def test_every_setting_has_a_variable_and_help() -> None:
    for one in fields(Settings):
        assert variable_of(one.name) == STANDARD.get(one.name, f"SOURCEBOOK_{one.name.upper()}")
        assert one.metadata["help"].endswith(".")


def test_variables_are_read() -> None:
    found = from_environment(
        {
            "SOURCEBOOK_LIBRARY": "/data/mine",
            "SOURCEBOOK_PORT": "0",
            "SOURCEBOOK_LOG_LEVEL": "DEBUG",
            "SOURCEBOOK_MODEL": "",
            "SOURCEBOOK_OPEN": "1",
            "SOURCEBOOK_IMPORT_FOLDERS": f"/srv/a{os.pathsep}{os.pathsep}/b",
            "PORT": "1",
        }
    )
    assert found == Settings(
        library=Path("/data/mine"),
        port=0,
        open=True,
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
        ("SOURCEBOOK_PUBLIC_URL", "sourcebook.example.org", "an address"),
        ("SOURCEBOOK_PUBLIC_URL", "https://[", "an address"),
        ("SOURCEBOOK_PUBLIC_URL", "https://example.org/", "an address"),
        ("SOURCEBOOK_IMPORT_FOLDERS", f"/srv{os.pathsep}b", "absolute paths"),
        ("SOURCEBOOK_WRITER_URL", "ftp://127.0.0.1/v1", "an http or https address"),
        ("SOURCEBOOK_WRITER_URL", "http://127.0.0.1/v 1", "an http or https address"),
        ("SOURCEBOOK_WRITER_MODEL", "a-model", "both a model name and the writer's address"),
        ("SOURCEBOOK_WRITER_SECONDS", "0", "above 0"),
        ("SOURCEBOOK_LOG_FORMAT", "xml", "text, json"),
        ("SOURCEBOOK_LOG_QUESTIONS", "yes", "0 or 1"),
        ("SOURCEBOOK_SLOW_QUESTION_MS", "-1", "0 or more"),
        ("SOURCEBOOK_DRAIN_SECONDS", "601", "from 0 to 600"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "an http or https address"),
        ("SOURCEBOOK_OPEN", "yes", "0 or 1"),
        ("SOURCEBOOK_TRUSTED_PROXIES", "proxy.lan", "addresses or networks"),
        ("SOURCEBOOK_TRUSTED_PROXIES", "*", "addresses or networks"),
        ("SOURCEBOOK_TRUSTED_PROXIES", "10.0.0.1,", "addresses or networks"),
        ("SOURCEBOOK_AUDIT_DAYS", "29", "30 or more"),
    ],
)
def test_a_bad_value_is_named(variable: str, value: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        from_environment({variable: value})
    assert variable in caught.value.message
    assert repr(value) in caught.value.message
    assert expected in caught.value.message
    assert variable in caught.value.cure


def test_a_writer_needs_an_address_and_a_model() -> None:
    with pytest.raises(InputError, match="SOURCEBOOK_WRITER_MODEL"):
        from_environment({"SOURCEBOOK_WRITER_URL": "http://127.0.0.1:11434/v1"})
    found = from_environment(
        {"SOURCEBOOK_WRITER_URL": "http://[::1]:11434/v1", "SOURCEBOOK_WRITER_MODEL": "small:3b"}
    )
    assert found.writer_model == "small:3b"


def test_a_key_is_never_shown() -> None:
    with pytest.raises(InputError) as caught:
        from_environment({"SOURCEBOOK_WRITER_KEY": "sesame\nX-Other: 1"})
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(Settings(writer_key="sesame"))


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]
