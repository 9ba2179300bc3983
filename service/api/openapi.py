"""What APIFlask does not write into the OpenAPI document by itself: problems, idempotency, 202, security."""

import re
import warnings
from typing import Any

from apiflask import APIFlask

from service.api.error_handlers import PROBLEM_JSON
from service.api.idempotency import HEADER as IDEMPOTENCY_KEY
from service.api.problems import STATUS_TITLES
from service.api.schemas import ProblemSchema

ALWAYS = (400, 401, 403, 421, 429, 500, 503)
WITH_PATH = (404,)
WITH_INPUT = (422,)
CHANGES = (409,)
WITH_BODY = (408, 413, 415, 422)
UPLOAD = (408, 413, 415)
NAMING = ("/v1/queue/", "/v1/labels", "/v1/trainings", "/v1/clips")  # something else in the query or the body
WITHOUT_KEY = ("/v1/queue/", "/v1/labels")  # a lease is answered once, and says so
PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
SCHEMA_NAME = re.compile(r"^(\w+?)Schema\d*$")
SCHEMA_REF = re.compile(r"^#/components/schemas/(\w+?)Schema\d*$")


def register(app: APIFlask) -> None:
    """Complete the document of `app`."""
    app.config.update(
        HTTP_ERROR_SCHEMA=ProblemSchema,
        VALIDATION_ERROR_SCHEMA=ProblemSchema,
        SECURITY_SCHEMES={
            "token": {"type": "http", "scheme": "bearer"},
            "password": {"type": "http", "scheme": "basic", "description": "any user name; the token is the password"},
        },
        AUTO_OPERATION_ID=True,
    )
    app.info = {
        "description": "Hears what genre a recording is, and makes clips of a genre. Errors are RFC 9457 problem "
        "documents; lists page by cursor; 429 and 503 carry Retry-After; a POST takes an Idempotency-Key. Where the "
        "server has tokens, one is sent as Authorization: Bearer TOKEN.",
    }

    # A schema that is first met inside another is written down twice; `_tidy` makes one of the two.
    warnings.filterwarnings("ignore", message=".*has already been added to the spec", category=UserWarning)

    @app.spec_processor
    def complete(spec: dict[str, Any] | str) -> dict[str, Any]:
        assert isinstance(spec, dict)  # a string is YAML, which is not asked for
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                if path.startswith("/v1"):
                    _complete(path, method, operation)
        _complete_classification(spec["paths"]["/v1/classifications"]["post"]["responses"])
        ready = spec["paths"]["/readyz"]["get"]["responses"]
        ready["503"] = ready["200"] | {"description": "Not ready yet"}
        return _tidy(spec)


def _tidy(spec: dict[str, Any]) -> dict[str, Any]:
    """The document with its schemas named after what they are: `Track` for `TrackSchema` and `TrackSchema1`."""

    def renamed(node: Any) -> Any:
        if isinstance(node, dict):
            return {
                name: SCHEMA_REF.sub(r"#/components/schemas/\1", value) if name == "$ref" else renamed(value)
                for name, value in node.items()
            }
        return [renamed(item) for item in node] if isinstance(node, list) else node

    spec = renamed(spec)
    schemas = spec["components"]["schemas"]
    spec["components"]["schemas"] = {SCHEMA_NAME.sub(r"\1", name): schema for name, schema in schemas.items()}
    return spec


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    upload = "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    statuses = [*ALWAYS]
    statuses += WITH_PATH if "{" in path or path.startswith(NAMING) else ()
    statuses += WITH_INPUT if operation.get("parameters") else ()
    statuses += CHANGES if method != "get" else ()
    statuses += WITH_BODY if "requestBody" in operation else ()
    statuses += UPLOAD if path.endswith(".png") else ()
    for status in sorted({*statuses}):
        operation["responses"][str(status)] = {
            "description": STATUS_TITLES[status],
            "content": {PROBLEM_JSON: {"schema": PROBLEM_REF}},
        }
    if method == "post" and not path.startswith(WITHOUT_KEY) and "/label-studio/" not in path:
        operation["parameters"].append(
            {
                "in": "header",
                "name": IDEMPOTENCY_KEY,
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "description": "the same key again is answered again, not done again",
            }
        )
    if upload:
        operation["requestBody"]["required"] = True
    operation["security"] = [{"token": []}, {"password": []}, {}]


def _complete_classification(responses: dict[str, Any]) -> None:
    hf_form = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["label", "score"],
            "properties": {"label": {"type": "string"}, "score": {"type": "number"}},
        },
    }
    content = responses["200"]["content"]["application/json"]
    content["schema"] = {"anyOf": [content["schema"], hf_form]}
    responses["202"] = {
        "description": "A job was made of it: `Location` says where to ask",
        "headers": {"Location": {"schema": {"type": "string"}}, "Retry-After": {"schema": {"type": "integer"}}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
    }
