"""A field that an address does not know is refused by its name, whatever the address: none is ignored."""

from typing import Any

import pytest
from django.test import Client

from tests.novaproject.test_fuzz import clip, token  # noqa: F401  (fixtures)

#: Models, queues and actions are named, not numbered.
NAMED = {"model": "lite", "name": "fast", "key": "lite"}


def writing_addresses(schema: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation.get("requestBody", {}).get("content", {}))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in ("post", "put", "patch")
    ]


@pytest.mark.slow
def test_every_address_refuses_a_field_that_it_does_not_know(token: str, client: Client) -> None:  # noqa: F811
    headers = {"Authorization": f"Token {token}"}
    schema = client.get("/api/schema?format=json", headers=headers).json()
    taken: list[str] = []

    for method, path, content in writing_addresses(schema):
        address = path
        for name, value in {"id": 1, "pk": 1, "n": 1, **NAMED}.items():
            address = address.replace(f"{{{name}}}", str(value))
        if "/trash/" in path:
            address = address.replace("/1/", "/9/")
        is_form = content and "application/json" not in content
        data: Any = {"no_such_field": "1"}
        sent = getattr(client, method)(
            address,
            data=data,
            headers=headers,
            **({} if is_form else {"content_type": "application/json"}),
        )
        if sent.status_code != 400 or b"no_such_field" not in sent.content:
            taken.append(f"{method.upper()} {address}: {sent.status_code} {sent.content[:200]!r}")

    assert not taken, "\n".join(taken)
    assert len(writing_addresses(schema)) > 50
