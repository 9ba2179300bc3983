def test_index_links_lead_somewhere(client):
    index = client.get("/v1").json
    for name, link in index["links"].items():
        assert client.get(link).status_code in {200, 405}, name
    assert index["limits"]["upload_bytes"] == 512 << 20
    assert "wav" in index["formats"]
    assert index["you"] == index["you"] | {"role": "admin"}
