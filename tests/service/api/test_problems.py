import inspect
from http import HTTPStatus

import pytest

from datasets import errors as datasets
from features import errors as features
from models import errors as models
from service import errors as service
from service.api.problems import INTERNAL, KINDS, STATUS_TITLES, describe, generic, kind_of, retry_after_s

OURS = [
    error
    for module in (datasets, features, models, service)
    for _, error in inspect.getmembers(module, inspect.isclass)
    if issubclass(error, Exception) and error is not service.ServiceError
]


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_every_error_of_ours_has_an_entry(error):
    assert kind_of(error.__new__(error)) is not INTERNAL


@pytest.mark.parametrize("error", [e for e in OURS if issubclass(e, features.FeatureError)], ids=lambda e: e.__name__)
def test_what_is_wrong_with_a_recording_is_never_the_servers_fault(error):
    assert 400 <= kind_of(error("x")).status < 500


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (features.EmptyFile("x"), 422),
        (features.CorruptAudio("x"), 422),
        (features.InvalidSamples("x"), 422),
        (features.ClipTooShort("x"), 422),
        (features.UnsupportedFormat("x"), 415),
        (features.AudioTooLong("x"), 413),
        (features.DecoderLimitExceeded("x"), 422),
        (service.StorageFull("x"), 413),
        (service.TooBusy("x", retry_after_s=3), 503),
        (service.NotFound("x"), 404),
        (service.Unauthorized("x"), 401),
        (service.Forbidden("x"), 403),
        (models.UnknownModel("x"), 404),
        (datasets.DatasetError("x"), 422),
        (ZeroDivisionError("secret"), 500),
    ],
)
def test_status(error, status):
    assert describe(error)["status"] == status


def test_words_of_an_unforeseen_error_stay_inside():
    assert "secret" not in str(describe(ZeroDivisionError("secret")))


def test_words_of_a_foreseen_error_are_the_detail():
    assert describe(features.ClipTooShort("0.2 s of audio"))["detail"] == "0.2 s of audio"


def test_slugs_tell_problems_apart():
    slugs = [kind.slug for kind in KINDS.values()]
    assert len(set(slugs)) == len(slugs)


def test_statuses_exist_and_have_titles():
    for kind in KINDS.values():
        assert HTTPStatus(kind.status)
        assert kind.status in STATUS_TITLES
    assert generic(404, "gone")["type"] == "about:blank"


def test_only_what_waiting_helps_says_how_long():
    assert retry_after_s(service.TooBusy("x", retry_after_s=3)) == 3
    assert retry_after_s(models.BackboneMissing("x")) > 0
    assert retry_after_s(service.StorageFull("x")) > 0
    assert retry_after_s(service.NotFound("x")) is None
    assert retry_after_s(service.PayloadTooLarge("x")) is None
