import re


def test_docs_need_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200
    for attribute, target in re.findall(r'\b(src|href)="([^"]*)"', page.text):
        assert not re.match(r"(https?:)?//", target), (attribute, target)
    for url in re.findall(r'<link[^>]*href="([^"]*)"', page.text):
        assert client.get(url).status_code == 200
    for path in client.get("/openapi.json").json["paths"]:
        assert path in page.text
