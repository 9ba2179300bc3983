"""The HTTP API: one blueprint per resource, each translating HTTP to a use case and back.

Roles are decided in `access.py`, errors in `problems.py`; a view names neither.
"""
