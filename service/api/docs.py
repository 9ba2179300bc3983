"""`/docs`: the OpenAPI document as one page of plain HTML that loads nothing from elsewhere."""

from typing import Any

from flask import Blueprint, current_app, render_template

ORDER = ("Classifications", "Tracks", "Jobs", "Models", "Index", "Health")

bp = Blueprint("docs", __name__, template_folder="templates", static_folder="static", static_url_path="/docs/static")


@bp.get("/docs")
def docs() -> str:
    """Every call, its parameters and its answers."""
    spec: dict[str, Any] = current_app.spec  # type: ignore[attr-defined]
    groups: dict[str, list[dict[str, Any]]] = {tag: [] for tag in ORDER}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            for tag in operation.get("tags", ["Other"]):
                groups.setdefault(tag, []).append({"method": method.upper(), "path": path, **operation})
    return render_template("api/docs.html", spec=spec, groups=groups)
