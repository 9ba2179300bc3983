from models.clip_wish import RANGES, SECONDS


def test_what_makes_clips_and_what_it_can(make_app):
    body = make_app(clip_max_duration_s=60.0, clip_max_takes=4).test_client().get("/v1/generator").json
    assert (body["model"], body["card"]["licence"]) == ("stand-in-generator-1", "none")
    assert {"reggae", "waltz"} <= set(body["genres"])
    limits = body["limits"]
    assert (limits["seconds"], limits["takes"]) == ([SECONDS[0], 60.0], [1, 4])
    assert limits["tempo_bpm"] == list(RANGES["tempo_bpm"])
    assert limits["seed"] == [0, 2**31 - 1]
    assert "mp3" in limits["formats"]
