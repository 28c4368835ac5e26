"""Profiles: found by an encoder's fingerprint, read strictly, and complete."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sourcebook.index.encoding.encoder import Encoder
from sourcebook.index.encoding.reader import shipped_reader
from sourcebook.index.errors import InputError
from sourcebook.index.library import Library
from sourcebook.index.profile import profile_for, read_profile, shipped_profiles
from sourcebook.service.asking.answer import Status
from sourcebook.service.asking.decide import Decide
from sourcebook.service.asking.engine import Engine

MINILM, E5, NEUTRAL = shipped_profiles()


def test_the_default_encoder_has_a_profile_of_its_own(encoder: Encoder) -> None:
    assert encoder.profile == E5
    assert encoder.fingerprint in E5.encoders


def test_an_encoder_that_nobody_measured_gets_the_neutral_one() -> None:
    assert profile_for("unknown") == NEUTRAL
    assert NEUTRAL.encoders == ()


def test_a_profile_of_the_user_comes_first(tmp_path: Path, encoder: Encoder) -> None:
    own = replace(E5, name="own", weights=replace(E5.weights, late=4.0))
    (tmp_path / "own.json").write_text(own.to_json(), "utf-8")
    assert profile_for(encoder.fingerprint, tmp_path) == own
    assert profile_for("unknown", tmp_path) == NEUTRAL


@pytest.mark.parametrize("profile", [MINILM, E5, NEUTRAL], ids=lambda each: each.name)
def test_shipped_profiles_can_be_used_and_survive_a_round_trip(profile: object) -> None:
    assert isinstance(profile, type(MINILM))
    assert read_profile(profile.to_json(), "text") == profile
    Decide(profile.calibration, profile.evidence.near_best)  # refuses what is no signal


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": {"late": 1}}, "profile.weights has to have just these members: late, window"),
        ({"dense_count": 1.5}, "profile.dense_count is 1.5; expected int"),
        ({"dense_count": True}, "profile.dense_count is True; expected int"),
        ({"encoders": "abc"}, "profile.encoders is 'abc'"),
        ({"query_prefix": None}, "profile.query_prefix is None; expected str"),
        ({"colour": "blue"}, "profile has to have just these members: name, encoders"),
    ],
)
def test_a_damaged_profile_is_refused_with_its_place(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_profile(json.dumps(json.loads(MINILM.to_json()) | change), "own.json")
    assert caught.value.message.startswith(f"own.json is no profile: {message}")
    assert "eval calibrate" in caught.value.cure


def test_text_that_is_no_json_is_no_profile() -> None:
    with pytest.raises(InputError, match=r"own.json is no profile: Expecting"):
        read_profile("{", "own.json")


def test_the_neutral_profile_claims_little(seed_library: Library) -> None:
    """Its ranking stands; what was never calibrated is never said without reservation."""
    neutral = Engine.of(seed_library, profile=NEUTRAL)
    for question in ("Who ended aerial spraying?", "How much cocaine did Colombia seize in 2024?"):
        answer = neutral.ask(question)
        assert answer.status is Status.ANSWERED
        assert answer.confidence < 0.5
        assert answer.short is None
        own = Engine.of(seed_library).ask(question)
        assert answer.citations[0].passage_id == own.citations[0].passage_id


def test_with_the_neutral_profile_the_reader_decides(seed_library: Library) -> None:
    neutral = Engine.of(seed_library, profile=NEUTRAL, reader=shipped_reader())
    answer = neutral.ask("How much cocaine did Colombia seize in 2024?")
    assert answer.status is Status.ANSWERED
    assert answer.short
    assert answer.short.text == "about 850 tonnes"
    other = neutral.ask("How much does a pizza cost in Naples?")
    assert other.status is not Status.ANSWERED
    assert other.short is None
