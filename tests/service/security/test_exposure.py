import pytest

from service.errors import ConfigurationError
from service.security.exposure import refuse_exposure


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "music.example", ""])
def test_an_open_server_without_a_token_is_refused(parts, host):
    settings = parts.settings.model_copy(update={"host": host})
    with pytest.raises(ConfigurationError, match="genrelab tokens create"):
        refuse_exposure(settings, parts.tokens)


def test_with_a_token_it_may_be_open(parts, make_token):
    make_token(parts, "admin")
    refuse_exposure(parts.settings.model_copy(update={"host": "0.0.0.0"}), parts.tokens)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_none(parts, host):
    refuse_exposure(parts.settings.model_copy(update={"host": host}), parts.tokens)
