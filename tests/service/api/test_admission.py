import threading

import pytest

from service.api.admission import Admission, Places
from service.errors import Cancelled, TooBusy


def test_one_place_too_many_is_refused_with_a_time_to_come_back():
    places = Places(2, what="uploads")
    with places.place(), places.place():
        with pytest.raises(TooBusy, match="2 uploads are under way") as refused:
            places.take()
        assert refused.value.retry_after_s > 0
    with places.place():
        pass


def test_a_place_is_free_again_after_a_failure():
    places = Places(1, what="uploads")
    with pytest.raises(ZeroDivisionError), places.place():
        raise ZeroDivisionError
    places.take()


@pytest.mark.parametrize("threads", [4, 8, 16, 17])
def test_some_threads_stay_free_for_the_page(tmp_settings, threads):
    settings = tmp_settings.model_copy(update={"threads": threads})
    admission = Admission(settings)
    assert admission.uploads.count + admission.pictures.count + admission.streams.count < settings.threads


def test_waiting_for_an_analysis_ends_when_nobody_wants_it(tmp_settings):
    admission = Admission(tmp_settings.model_copy(update={"decode_workers": 1}))
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with admission.analysis():
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    with pytest.raises(Cancelled), admission.analysis(lambda: True):
        pass
    leave.set()
    holder.join()
    with admission.analysis(lambda: True):
        pass
