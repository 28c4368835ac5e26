"""Examples of every address, taken from a running service, for its OpenAPI document."""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from sourcebook.eval.http.routes import EXAMPLE as EVALUATION
from sourcebook.eval.http.routes import evaluations_router
from sourcebook.service.answering import Answering
from sourcebook.service.asking.engine import Engine
from sourcebook.service.http.app import create_app
from sourcebook.service.notation.requests import QUOTE
from sourcebook.service.settings import Settings

QUESTION = "How much cocaine did Colombia seize in 2024?"
SILENT = "What does a kilo cost in Sydney?"
ARTICLE = {
    "text": "The council voted on Tuesday to double the fines for dumping waste in the river.",
    "title": "Town doubles fines",
    "publisher": "Gazette",
    "published": "2025-09-19",
    "source": "gazette:fines",
}
JSON = ("application/json", "application/ld+json")
JOB = re.compile(r"[0-9a-f]{12}")
# What is drawn at random is written as these, so that examples change only with the service.
JOB_ID, FINGERPRINT, FOLDER = "7d1f0c2b9e34", "3f2c8e5b9a7d1046", "/srv"
QUEUED: dict[str, Any] = {
    **{"status": "queued", "done": 0, "started": None, "finished": None},
    **{"actions": {}, "failed": 0, "outcomes": [], "failures": []},
    **{"measures": None, "missing_gold": None},
}
CREATED = 1_763_769_600
PATIENCE_S = 120

Example = dict[str, Any]


class Asking:
    """Asks a service and keeps what was asked and answered, by operation."""

    def __init__(self, client: TestClient) -> None:
        """Ask `client`."""
        self.client = client
        self.jobs: set[str] = set()
        self.kept: dict[str, Example] = {}

    def ask(self, operation: str, query: str = "", body: Any = None, **ids: str) -> Any:
        """The answer to an operation, such as `GET /v1/library`."""
        method, path = operation.split(" ")
        response = self.client.request(method, path.format(**ids) + query, json=body)
        if response.is_error:
            sys.exit(f"{operation}: {response.text}")
        media_type = response.headers.get("content-type", "").split(";")[0]
        is_json = response.content and media_type in JSON
        answer = response.json() if is_json else response.text
        if isinstance(answer, dict) and JOB.fullmatch(str(answer.get("id", ""))):
            self.jobs.add(answer["id"])
        example = {} if body is None else {"request": body}
        self.kept[operation] = example | ({"response": answer} if response.content else {})
        return answer

    def begin(self, operation: str, body: Any) -> str:
        """Begin a job; its id. How far it is in the answer is chance, and shown as not at all."""
        answer = self.ask(operation, body=body)
        answer |= {name: value for name, value in QUEUED.items() if name in answer}
        return str(answer["id"])

    def finish(self, operation: str, **ids: str) -> None:
        """Follow a job until it is over."""
        end = time.monotonic() + PATIENCE_S
        while not self.ask(operation, **ids)["finished"]:
            if time.monotonic() > end:
                sys.exit(f"{operation} is not over after {PATIENCE_S} s")
            time.sleep(0.02)


def examples(engine: Engine) -> dict[str, Example]:
    """An exchange for every address, by operation; the library is changed by it."""
    # What is imported lies beside the library, under a path that is random.
    home = engine.library.folder.parent
    folder = home / "articles"
    folder.mkdir()
    (folder / "trains.txt").write_text("The night train to the coast will run again in spring.")
    (folder / "broken.txt").write_text("")
    (folder / "empty.txt").write_text("")
    settings = Settings(import_folders=(folder,))
    with TestClient(
        create_app(Answering(engine), settings, routers=[evaluations_router(engine)])
    ) as client:
        asking = Asking(client)
        _questions(asking)
        _articles(asking)
        _judgements(asking)
        _evaluations(asking)
        _library(asking, folder)
        _compatible(asking)
    text = json.dumps(asking.kept, ensure_ascii=False)
    for random in asking.jobs:
        text = text.replace(random, JOB_ID)
    text = text.replace(engine.library.fingerprint, FINGERPRINT).replace(str(home), FOLDER)
    return {
        operation: {side: value if side == "request" else shortened(value) for side, value in one}
        for operation, one in ((name, kept.items()) for name, kept in json.loads(text).items())
    }


def _questions(asking: Asking) -> None:
    asking.ask("POST /v1/ask", body={"question": QUESTION})
    asking.ask("GET /v1/ask", f"?q={QUESTION}&explain=true")
    asking.ask("POST /v1/search", body={"question": QUESTION, "limit": 1})
    asking.ask("POST /v1/verify", body={"quotes": [QUOTE]})
    asking.ask("GET /v1/export", f"?q={QUESTION}")
    asking.ask("GET /livez")
    asking.ask("GET /readyz")


def _compatible(asking: Asking) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    said = asking.ask(
        "POST /v1/chat/completions", body={"model": "sourcebook", "messages": messages}
    )
    said |= {"id": f"chatcmpl-{JOB_ID}", "created": CREATED}
    for model in [
        *asking.ask("GET /v1/models")["data"],
        asking.ask("GET /v1/models/{model}", model="sourcebook"),
    ]:
        model |= {"created": CREATED}
    for store in [
        *asking.ask("GET /v1/vector_stores")["data"],
        asking.ask("GET /v1/vector_stores/{store_id}", store_id="library"),
    ]:
        store |= {name: CREATED for name in store if name.endswith(("created_at", "active_at"))}
    search = {"query": QUESTION, "max_num_results": 1}
    asking.ask("POST /v1/vector_stores/{store_id}/search", body=search, store_id="library")
    texts = ["Police seized 850 tonnes of cocaine.", "The night train runs again."]
    ranked = asking.ask(
        "POST /v2/rerank", body={"model": "sourcebook", "query": QUESTION, "documents": texts}
    )
    ranked |= {"id": JOB_ID}


def _articles(asking: Asking) -> None:
    [cited, *_] = asking.kept["POST /v1/ask"]["response"]["citations"]
    article, quote = cited["article"]["id"], f"start={cited['start']}&end={cited['end']}"
    asking.ask("GET /v1/articles", "?limit=1")
    asking.ask("GET /v1/articles/{article_id}", article_id=article)
    asking.ask("GET /v1/articles/{article_id}/passages", article_id=article)
    asking.ask("GET /v1/passages/{passage_id}", passage_id=cited["passage_id"])
    asking.ask("GET /v1/articles/{article_id}/cite", f"?{quote}", article_id=article)
    asking.ask("GET /v1/articles/{article_id}/annotation", f"?{quote}", article_id=article)
    added = asking.ask("POST /v1/articles", body=ARTICLE)["outcomes"][0]["article"]["id"]
    changed = {"text": ARTICLE["text"].replace("double", "halve"), "title": "Town halves fines"}
    asking.ask("PUT /v1/articles/{article_id}", body=changed, article_id=added)
    right = {"authors": ["Ada Berg"], "publisher": "Gazette", "published": "2025-09"}
    asking.ask("PATCH /v1/articles/{article_id}", body=right, article_id=added)
    asking.ask("DELETE /v1/articles/{article_id}", article_id=added)
    asking.ask("GET /v1/trash")
    asking.ask("POST /v1/trash/{article_id}/restore", article_id=added)
    asking.ask("DELETE /v1/articles/{article_id}", article_id=added)
    asking.ask("DELETE /v1/trash/{article_id}", article_id=added)


def _judgements(asking: Asking) -> None:
    [cited, *_] = asking.kept["POST /v1/ask"]["response"]["citations"]
    quote = {"article_id": cited["article"]["id"], "start": cited["start"], "end": cited["end"]}
    asking.ask("POST /v1/judgements", body={"question": SILENT, "verdict": "unanswerable"})
    right = {"question": QUESTION, "verdict": "right", "quotes": [quote]}
    kept = asking.ask("POST /v1/judgements", body=right)
    listed = asking.ask("GET /v1/judgements")["judgements"]
    asking.jobs |= {judgement["id"] for judgement in listed}
    asking.ask("GET /v1/judgements/export")
    asking.ask("DELETE /v1/judgements/{judgement_id}", judgement_id=kept["id"])


def _evaluations(asking: Asking) -> None:
    begun = asking.begin("POST /v1/evaluations", EVALUATION)
    asking.finish("GET /v1/evaluations/{evaluation_id}", evaluation_id=begun)
    asking.ask("GET /v1/evaluations")
    asking.ask("DELETE /v1/evaluations/{evaluation_id}", evaluation_id=begun)


def _library(asking: Asking, folder: Path) -> None:
    begun = asking.begin("POST /v1/imports", {"folder": str(folder)})
    asking.finish("GET /v1/imports/{import_id}", import_id=begun)
    asking.ask("GET /v1/imports")
    asking.ask("DELETE /v1/imports/{import_id}", import_id=begun)
    asking.ask("GET /v1/library")
    asking.ask("GET /v1/library/coverage")
    asking.ask("GET /v1/library/examples")
    (folder / "broken.txt").write_text("The ministry repaired the bridge over the river.")
    asking.ask("POST /v1/library/failures/retry", "?source=articles/broken.txt")
    asking.ask("DELETE /v1/library/failures", "?source=articles/empty.txt")


def shortened(value: object, more: str | None = None) -> Any:
    """Long texts and lists cut short, the latter marked by `more`, and numbers rounded."""
    if isinstance(value, dict):
        return {key: shortened(item, more) for key, item in value.items()}
    if isinstance(value, list):
        cut = [more] if more and len(value) > 2 else []
        return [shortened(item, more) for item in value[:2]] + cut
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str) and len(value) > 240:
        return value[:240] + "..."
    return value
