"""The OpenAPI document: every operation has examples, and each is what its schema says."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from docs.examples import shortened
from sourcebook.eval.http.routes import evaluations_router
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app

# Documents for people, and one that has no schema but its own reader (eval.data.dataclass_json).
WITHOUT = {
    "GET /v1/evaluations/{evaluation_id}/report",
    "GET /v1/evaluations/{evaluation_id}/against/{other_id}",
    "GET /v1/evaluations/{evaluation_id}/report.html",
}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(engine: Engine) -> Json:
    with TestClient(create_app(Answering(engine), routers=[evaluations_router(engine)])) as client:
        return dict(client.get("/openapi.json").json())


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def examples_of(document: Json, content: Json) -> list[Any]:
    """The examples of a media type, its own or those of its schema."""
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    own = [content["example"]] if "example" in content else []
    return [*own, *schema.get("examples", [])]


def validate(document: Json, example: Any, schema: Json) -> None:
    """Raises where the example is not what the schema says."""
    whole = {**schema, "components": document["components"]}
    jsonschema.validate(example, json.loads(json.dumps(whole)))


def test_every_answer_has_an_example_that_fits_its_schema(document: Json) -> None:
    without = set()
    for name, operation in operations(document):
        [answer, *_] = [one for status, one in operation["responses"].items() if status[0] == "2"]
        contents = answer.get("content", {})
        if contents and not any(examples_of(document, one) for one in contents.values()):
            without.add(name)
        for content in contents.values():
            for example in examples_of(document, content):
                validate(document, example, content["schema"])
    assert without == WITHOUT, "docs/examples.py asks every address once: add what is missing there"


def test_every_body_has_an_example_that_fits_its_schema(document: Json) -> None:
    for name, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            examples = examples_of(document, content)
            assert examples or media_type == "multipart/form-data", name
            for example in examples:
                validate(document, example, content["schema"])


def test_every_parameter_has_an_example_or_a_default(document: Json) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            known = "default" in schema or "examples" in schema or "example" in parameter
            assert known, f"{name}: {parameter['name']}"
            for example in schema.get("examples", ()):
                validate(document, example, schema)


def test_every_problem_has_an_example(document: Json) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status[0] in "45":
                common = document["components"]["responses"].get(status)
                [content] = (common if "$ref" in answer else answer)["content"].values()
                assert content["example"]["status"] == int(status), name
                validate(document, content["example"], content["schema"])


def test_an_example_that_does_not_fit_is_noticed(document: Json) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(document, {"status": 1}, {"$ref": "#/components/schemas/AnswerOut"})


def test_examples_are_short(document: Json) -> None:
    assert len(json.dumps(document)) < 275_000
    long = {"a": ["x" * 300, 1.23456, 3], "b": "y"}
    assert shortened(long) == {"a": ["x" * 240 + "...", 1.235], "b": "y"}
    assert shortened([1, 2, 3], "more") == [1, 2, "more"]
