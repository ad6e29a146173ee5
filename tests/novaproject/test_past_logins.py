"""What logins leave behind does not pile up."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken

from novaproject import past_logins


@pytest.mark.django_db
def test_what_is_past_is_forgotten_and_the_rest_stays() -> None:
    now = timezone.now()
    ana = User.objects.create_user("ana")
    for name, end in (("past", now - timedelta(hours=1)), ("open", now + timedelta(days=1))):
        Session.objects.create(session_key=name, session_data="", expire_date=end)
    AuthToken.objects.create(ana, expiry=timedelta(hours=-1))
    endless, _ = AuthToken.objects.create(ana, expiry=None)
    for model in (AccessAttempt, AccessLog):
        for name in ("old", "new"):
            extra = {"failures_since_start": 1} if model is AccessAttempt else {}
            model.objects.create(username=name, ip_address="127.0.0.1", user_agent=name, **extra)
        model.objects.filter(username="old").update(attempt_time=now - timedelta(days=past_logins.KEEP_DAYS + 1))

    past_logins.forget_old()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
    assert list(AuthToken.objects.all()) == [endless]
    assert [one.username for model in (AccessAttempt, AccessLog) for one in model.objects.all()] == ["new", "new"]
