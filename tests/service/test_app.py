from service.app import create_app


def test_forwarded_headers_count_only_from_trusted_proxies(make_app, make_token):
    forwarded = {
        "X-Forwarded-For": "192.0.2.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "music.example",
        "X-Forwarded-Prefix": "/p",
    }
    plain = make_app().test_client()
    assert plain.get("/v1", headers=forwarded).json["links"]["tracks"] == "/v1/tracks"

    proxied = make_app(proxy_hops=1, trusted_hosts=("music.example",)).test_client()
    assert proxied.get("/v1", headers=forwarded).status_code == 401  # it comes from elsewhere
    secret = make_token(proxied.application.extensions["services"], "listener")
    answer = proxied.get("/v1", headers=forwarded | {"Authorization": f"Bearer {secret}"})
    assert answer.json["links"]["tracks"] == "/p/v1/tracks"


def test_settings_alone_are_enough(tmp_settings):
    app = create_app(tmp_settings)
    try:
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        app.extensions["services"].close()
