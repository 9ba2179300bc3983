import pytest

from service.errors import NotFound
from service.storage.ids import check_cursor, is_id, new_id


def test_ids_are_in_the_order_of_their_making():
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert all(is_id(one) for one in made)


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 25, "0" * 27, "8" + "0" * 25, "I" + "0" * 25, "0" * 25 + "\0", "é" * 26, "0" * 25 + "a"]
)
def test_what_is_no_id(text):
    assert not is_id(text)
    with pytest.raises(NotFound, match="cursor"):
        check_cursor(text)


def test_no_cursor_is_the_start():
    assert check_cursor(None) is None
