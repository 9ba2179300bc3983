from datetime import datetime, timedelta, timezone

from service.storage.pages import iso, utc_now


def test_points_in_time_are_utc():
    moment = datetime(2025, 1, 31, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert iso(moment) == "2025-01-30T23:30:00Z"
    assert iso(None) is None
    assert utc_now().utcoffset() == timedelta(0)
