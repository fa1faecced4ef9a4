"""The door to logos."""

from starlette.testclient import TestClient


def test_the_call_that_clients_make_today_works(client_on: TestClient, png: bytes) -> None:
    """POST /api/companies/my-company/logo with the field `logo` answers logo_url and public_id."""
    answer = client_on.post("/api/companies/my-company/logo", files={"logo": ("test.jpg", png)})

    assert answer.status_code == 201
    assert answer.json()["logo_url"] == answer.json()["url"]
    assert answer.json()["public_id"].startswith("acme/company_logos/company_acme/")
