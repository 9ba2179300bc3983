"""The OpenAPI document against the application: what is promised is what comes, whatever is sent."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from service.app import create_app
from tests.support.clips import make

EXAMPLES_PER_OPERATION = 15

load_all_checks()
# Without tokens this machine needs no authorization, which the document says too; and what no schema can say
# is refused although it fits: a made-up cursor, bytes that are no sound.
NOT_HERE = CHECKS.get_by_names(["ignored_auth", "positive_data_acceptance"])


@pytest.fixture
def spec(client):
    return client.get("/openapi.json").json


@pytest.fixture
def document(make_app, upload):
    """The document of an application that holds a recording, a clip and a job, asked from this machine."""
    app = make_app(rate_limit="1000000/minute", upload_rate_limit="1000000/minute")
    upload(app.test_client())
    upload(app.test_client(), headers={"Prefer": "respond-async"})
    make(app.extensions["services"])

    def local(environ, start_response):
        return app(environ | {"REMOTE_ADDR": "127.0.0.1"}, start_response)

    return schemathesis.openapi.from_wsgi("/openapi.json", local)


def test_every_operation_answers_as_documented(document):
    operations = [result.ok() for result in document.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        if not operation.path.endswith("/events"):  # a stream has no end to wait for
            check_operation(operation)


def check_operation(operation):
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    @settings(
        max_examples=EXAMPLES_PER_OPERATION,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def answers_as_documented(case):
        case.call_and_validate(excluded_checks=NOT_HERE)

    answers_as_documented()


def test_every_route_of_the_api_is_documented(app, spec):
    documented = {(path, method.upper()) for path, operations in spec["paths"].items() for method in operations}
    for rule in app.url_map.iter_rules():
        if rule.rule == "/v1" or rule.rule.startswith("/v1/"):
            path = rule.rule.replace("<", "{").replace(">", "}")
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert (path, method) in documented


def test_every_reference_leads_somewhere(spec):
    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                yield from references(item)

    for reference in references(spec):
        assert reference.removeprefix("#/components/schemas/") in spec["components"]["schemas"]


def test_every_operation_is_described_and_named_once(spec):
    operations = [operation for path in spec["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"].strip() for operation in operations)


def test_the_document_is_the_same_below_a_sub_path(make_parts):
    client = create_app(services=make_parts(prefix="/x")).test_client()
    spec = client.get("/x/openapi.json").json
    assert spec["servers"][0]["url"].endswith("/x/")
    assert "/v1/tracks" in spec["paths"]
