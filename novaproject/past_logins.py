"""Forgetting what logins leave behind: sessions and tokens that are no longer good, and who tried to get in."""

from datetime import timedelta

from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken

#: How often it is looked for what is old enough.
EVERY_S = 24 * 3600.0
#: How long it can be seen in the admin who logged in, and who failed to.
KEEP_DAYS = 90


def forget_old() -> None:
    """Delete sessions and tokens past their end, and records of logins after 90 days."""
    now = timezone.now()
    before = now - timedelta(days=KEEP_DAYS)
    Session.objects.filter(expire_date__lt=now).delete()
    AuthToken.objects.filter(expiry__lt=now).delete()
    AccessAttempt.objects.filter(attempt_time__lt=before).delete()
    AccessLog.objects.filter(attempt_time__lt=before).delete()
