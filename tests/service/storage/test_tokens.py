import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.errors import Conflict, NotFound
from service.storage.ids import new_id
from service.storage.pages import utc_now
from service.storage.tables import TokenRow
from service.storage.tokens import ROLES, TokenStore


@pytest.fixture
def tokens(database):
    return TokenStore(database)


def test_a_secret_opens_its_token_and_is_nowhere_to_be_read(tokens, database):
    token, secret = tokens.create("ada", "annotator")
    assert re.fullmatch(r"grl_[\w-]{43}", secret)  # 43 characters of base64 are 256 bits
    found = tokens.verify(secret)
    assert (found.id, found.name, found.role) == (token.id, "ada", "annotator")
    with database.reading() as session:
        row = session.scalars(select(TokenRow)).one()
    assert secret not in str(vars(row))
    assert secret not in str(tokens.list()[0].to_dict())


@pytest.mark.parametrize("wrong", ["", "grl_", "x", "grl_" + "A" * 43, "grl_é", "grl_\0", "grl_\udc80", "x" * 10_000])
def test_a_wrong_secret_opens_nothing(tokens, wrong):
    tokens.create("ada", "admin")
    assert tokens.verify(wrong) is None


def test_a_secret_opens_nothing_with_its_case_changed_or_cut(tokens):
    _, secret = tokens.create("ada", "admin")
    for wrong in (secret.swapcase(), secret[:-1], secret + "A", f" {secret}", secret.removeprefix("grl_")):
        assert tokens.verify(wrong) is None


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_revoked_token_is_gone_at_once_and_its_name_free(tokens, by):
    token, secret = tokens.create("ada", "admin")
    assert tokens.any()
    tokens.revoke(getattr(token, by))
    assert tokens.verify(secret) is None
    assert tokens.get(token.id) is None
    assert not tokens.any()
    assert tokens.list() == []
    with pytest.raises(NotFound, match="ada"):
        tokens.revoke("ada")
    _, other = tokens.create("ada", "listener")
    assert tokens.verify(other).role == "listener"
    assert tokens.verify(secret) is None


def test_a_token_is_found_by_its_id(tokens):
    token, _ = tokens.create("ada", "listener")
    assert tokens.get(token.id).name == "ada"
    assert tokens.get(new_id()) is None
    assert tokens.get("\0") is None


@pytest.mark.parametrize(
    ("name", "role", "says"),
    [
        ("ada", "admin", "already"),
        (" ada ", "admin", "already"),
        ("", "admin", "name has"),
        ("  ", "admin", "name has"),
        ("a\nb", "admin", "name has"),
        ("x" * 101, "admin", "name has"),
        ("bob", "owner", "no role"),
        ("bob", "", "no role"),
    ],
)
def test_names_and_roles_are_checked(tokens, name, role, says):
    tokens.create("ada", "listener")
    with pytest.raises(Conflict, match=says):
        tokens.create(name, role)
    assert len(tokens.list()) == 1


def test_of_two_that_take_a_name_at_once_one_gets_it(tokens):
    made = []

    def create():
        try:
            made.append(tokens.create("ada", "admin"))
        except Conflict:
            made.append(None)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in made if one]) == 1
    assert len(made) == 6


def test_use_is_noted_once_a_minute(tokens, database):
    token, secret = tokens.create("ada", ROLES[0])
    assert tokens.list()[0].last_used_at is None
    tokens.verify(secret)
    first = tokens.list()[0].last_used_at
    assert utc_now() - first < timedelta(minutes=1)
    tokens.verify(secret)
    assert tokens.list()[0].last_used_at == first
    with database.writing() as session:
        session.execute(update(TokenRow).values(last_used_at=first - timedelta(minutes=2)))
    tokens.get(token.id)
    assert tokens.list()[0].last_used_at > first
