"""The pages as the server gives them: whole, safe to show, and with what the scripts need to go on."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from models.active import STRATEGIES
from service.project_settings import ProjectSettings
from service.storage.ids import new_id
from service.storage.listening_tests import ListeningSettings
from service.usecases.clips import request_clip
from service.web import pages
from tests.support.library import add_track

PAGES = (
    *("/", "/login", "/tracks/{track}", "/generate", "/clips/{clip}"),
    *("/projects", "/projects/{project}", "/projects/{project}/label"),
    *("/listening-tests", "/listening-tests/{test}"),
)
HOSTILE = "\"><script>alert(1)</script>{{ 7*7 }}'&\u202e.mp3"


class Elements(HTMLParser):
    """The elements of a page, as (name, attributes), and the text outside scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    def by_id(self, name: str) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.found if attributes.get("id") == name)

    def has(self, name: str) -> bool:
        return any(attributes.get("id") == name for _, attributes in self.found)


@pytest.fixture
def track(parts):
    return add_track(parts.tracks, filename="song.wav")


@pytest.fixture
def project(parts):
    return parts.projects.create("Lisbon", genres=["fado", "morna"], settings=ProjectSettings(), actor="test")


@pytest.fixture
def clip(parts):
    return request_clip({"genre": "jazz"}, owner="test", services=parts)


@pytest.fixture
def listening_test(parts):
    settings = ListeningSettings(aspect="quality", n_pairs=0, n_ratings=1, n_repeats=0, seconds=5.0, seed=0)
    return parts.listening_tests.create(new_id(), "Jazz", settings=settings, sounds=[])


@pytest.fixture
def address(track, project, clip, listening_test):
    """The address of a page; `{track}`, `{project}`, `{clip}` and `{test}` in it are ids."""

    def of(url: str) -> str:
        return url.format(track=track.id, project=project.id, clip=clip.id, test=listening_test.id)

    return of


@pytest.fixture
def page(client, address):
    """The elements of a page."""

    def get(url: str, **kwargs) -> Elements:
        answer = client.get(address(url), **kwargs)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
        return Elements(answer.text)

    return get


@pytest.mark.parametrize("url", PAGES)
def test_every_file_that_a_page_names_is_there(client, page, url):
    named = set()
    for _, attributes in page(url).found:
        named |= {attributes.get(key) for key in ("src", "href", "data-icons")} - {None, ""}
    assert any(name.endswith(".css") for name in named)
    assert any(name.endswith(".js") for name in named)
    for name in named:
        address = urlsplit(name)
        assert not address.netloc  # nothing from elsewhere
        if address.path:
            assert client.get(address.path).status_code == 200, name


@pytest.mark.parametrize("url", PAGES)
def test_every_icon_that_a_page_uses_is_drawn(client, page, url):
    found = page(url)
    icons = client.get(found.of("html")[0]["data-icons"]).text
    used = {urlsplit(use["href"]).fragment for use in found.of("use")}
    assert used
    assert {name for name in used if f'id="{name}"' not in icons} == set()


@pytest.mark.parametrize("url", PAGES)
def test_what_labels_and_describes_a_part_of_a_page_is_there(page, url):
    found = page(url)
    ids = [attributes["id"] for _, attributes in found.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found.found:
        for key in ("for", "aria-labelledby", "aria-describedby"):
            for name in (attributes.get(key) or "").split():
                assert name in ids, (key, name)
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in ids


@pytest.mark.parametrize("url", PAGES)
def test_styles_carry_the_nonce_of_their_answer_and_of_no_other(client, address, url):
    answers = [client.get(address(url)) for _ in range(2)]
    nonces = [re.search(r"style-src 'self' 'nonce-([^']+)'", a.headers["Content-Security-Policy"])[1] for a in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        links = Elements(answer.text).of("link")
        assert {link.get("nonce") for link in links if link["rel"] == "stylesheet"} == {nonce}


def test_the_library_knows_how_much_may_be_sent(make_app):
    answer = make_app(max_upload_mb=7).test_client().get("/")
    assert Elements(answer.text).by_id("library")["data-max-upload-mb"] == "7"
    assert "up to 7 MB each" in answer.text


@pytest.mark.parametrize(
    ("url", "keys"),
    [
        ("/", pages.LIBRARY_KEYS),
        ("/tracks/{track}", pages.TRACK_KEYS),
        ("/generate", pages.GENERATE_KEYS),
        ("/clips/{clip}", pages.CLIP_KEYS),
        ("/listening-tests", pages.LISTENING_KEYS),
        ("/listening-tests/{test}", pages.LISTEN_KEYS),
        ("/projects", pages.PROJECTS_KEYS),
        ("/projects/{project}", pages.PROJECT_KEYS),
        ("/projects/{project}/label", pages.LABEL_KEYS),
    ],
)
def test_every_shortcut_of_a_page_is_on_its_list(page, url, keys):
    words = page(url).words
    for names, does in keys:
        assert does in words
        assert set(names) <= set(words)


def test_a_track_s_page_names_it_and_its_id(page, track):
    found = page("/tracks/{track}")
    assert found.by_id("track")["data-track"] == track.id
    assert found.words.count("song.wav") == 2  # in the heading and in the small player
    assert "song.wav · Genrelab" in found.words


def test_the_name_of_a_file_is_text_whatever_it_holds(client, parts):
    track = add_track(parts.tracks, filename=HOSTILE)
    found = Elements(client.get(f"/tracks/{track.id}").text)
    assert found.words.count(HOSTILE) == 2
    assert all(script.get("src") for script in found.of("script"))


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("url", "part"), [("/tracks/{track}", "track"), ("/generate", "generate"), ("/clips/{clip}", "clip-page")]
)
def test_a_page_names_the_player_only_where_set_up_could_get_it(page, monkeypatch, url, part, there):
    monkeypatch.setattr(pages, "has_player", lambda: there)
    named = page(url).by_id(part)["data-wavesurfer"]
    assert named == ("/assets/vendor/wavesurfer.esm.js" if there else "")


@pytest.mark.parametrize("thing_id", ["nosuch", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
@pytest.mark.parametrize("kind", ["tracks", "clips"])
def test_what_is_not_there_is_a_page_that_leads_back(client, kind, thing_id):
    answer = client.get(f"/{kind}/{thing_id}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    found = Elements(answer.text)
    assert "Go to the library" in found.words
    assert {"class": "button primary", "href": "/"} in found.of("a")


def test_the_login_form_says_where_one_wanted_to_go(page):
    form = page("/login?next=/tracks/abc%3Fx=1")
    assert {field["name"]: field.get("value") for field in form.of("input")} == {
        "next": "/tracks/abc?x=1",
        "username": "genrelab",
        "token": None,
    }
    assert [(each["method"], each["action"]) for each in form.of("form")] == [("post", "/login")]
    assert page("/login").of("input")[0]["value"] == "/"


def test_where_one_wanted_to_go_is_text_whatever_it_holds(client):
    answer = client.get("/login", query_string={"next": HOSTILE})
    found = Elements(answer.text)
    assert found.of("input")[0]["value"] == HOSTILE
    assert all(script.get("src") for script in found.of("script"))


def test_a_login_that_failed_says_so_at_its_field(page):
    assert not page("/login").has("login-error")
    failed = page("/login?error=1")
    assert failed.by_id("login-error")["role"] == "alert"
    assert failed.by_id("token")["aria-describedby"] == "login-error"
    assert any("not valid here" in word for word in failed.words)


def test_the_form_of_a_clip_takes_what_the_api_takes(make_app):
    client = make_app(clip_max_duration_s=60, clip_max_takes=3).test_client()
    found = Elements(client.get("/generate").text)
    limits = client.get("/v1/generator").json["limits"]
    numbers = [field for field in found.of("input") if field.get("type") == "number" and field["id"] in limits]
    assert {field["id"] for field in numbers} == set(limits) - {"energy", "strength", "formats"}
    for field in numbers:
        assert [float(field["min"]), float(field["max"])] == limits[field["id"]], field["id"]
    assert found.by_id("mix")["data-genres"].split() == client.get("/v1/generator").json["genres"]


def test_a_clip_s_page_names_its_id(page, clip):
    assert page("/clips/{clip}").by_id("clip-page")["data-clip"] == clip.id


@pytest.mark.parametrize("url", ["/projects/{project}", "/projects/{project}/label"])
def test_a_project_s_pages_name_it_whatever_it_is_called(client, page, parts, project, url):
    parts.projects.change(project.id, actor="test", name=HOSTILE.replace("\u202e", ""))
    found = page(url)
    assert any(HOSTILE.replace("\u202e", "") in word for word in found.words)
    assert all(script.get("src") for script in found.of("script"))


@pytest.mark.parametrize("url", ["/projects/nosuch", "/projects/nosuch/label"])
def test_a_project_that_is_not_there_is_a_page_that_leads_back(client, url):
    answer = client.get(url, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_every_strategy_can_be_chosen(page):
    offered = [option["value"] for option in page("/projects/{project}").of("option")]
    assert set(STRATEGIES) <= set(offered)
    assert len(pages.STRATEGIES) == len(STRATEGIES)


@pytest.mark.parametrize(("role", "may_manage"), [("annotator", False), ("admin", True)])
def test_only_who_may_change_a_project_is_offered_to(page, parts, make_token, role, may_manage):
    headers = {"Authorization": f"Bearer {make_token(parts, role)}"}
    assert page("/projects", headers=headers).has("new-form") == may_manage
    found = page("/projects/{project}", headers=headers)
    assert [found.has(part) for part in ("train", "settings", "taxonomy", "pool", "publish")] == [may_manage] * 5


def test_labelling_is_a_place_for_who_may_label(page, parts, make_token):
    def places(role: str) -> set[str | None]:
        headers = {"Authorization": f"Bearer {make_token(parts, role)}"}
        return {link["href"] for link in page("/", headers=headers).of("a")} & {"/projects", "/generate"}

    assert places("listener") == {"/generate"}
    assert places("annotator") == {"/projects", "/generate"}


def test_the_labelling_page_asks_who_one_is_where_no_token_says_so(page, parts, make_token):
    assert page("/projects/{project}/label").by_id("label")["data-annotator"] == ""
    headers = {"Authorization": f"Bearer {make_token(parts, 'annotator', 'ada')}"}
    found = page("/projects/{project}/label", headers=headers)
    assert found.by_id("label")["data-annotator"] == "ada"
    assert not found.has("who")


@pytest.mark.parametrize(("role", "may_delete"), [("listener", False), ("annotator", False), ("admin", True)])
def test_only_who_may_delete_is_offered_to(client, page, parts, make_token, role, may_delete):
    headers = {"Authorization": f"Bearer {make_token(parts, role)}"}
    assert page("/", headers=headers).by_id("library")["data-may-delete"] == str(may_delete).lower()
    assert page("/tracks/{track}", headers=headers).has("delete") == may_delete


def test_only_who_is_logged_in_is_offered_to_log_out(client, page, parts, make_token):
    def ways_out(url: str) -> list[str | None]:
        return [form["action"] for form in page(url).of("form") if form.get("action")]

    assert ways_out("/") == []  # this machine is not asked who it is
    client.post("/login", data={"token": make_token(parts, "listener")})
    assert ways_out("/") == ["/logout"]


@pytest.mark.parametrize("url", [url for url in PAGES if url != "/login"])
def test_a_page_is_for_nobody_s_cache_and_not_for_strangers(client, address, parts, make_token, url):
    assert client.get(address(url)).headers["Cache-Control"] == "no-store"
    make_token(parts, "admin")
    answer = client.get(address(url), headers={"Accept": "text/html"})
    assert answer.status_code in (302, 303)
    assert answer.headers["Location"].startswith("/login?next=/")
