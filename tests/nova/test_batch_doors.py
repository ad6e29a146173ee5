"""Batch mode from the shell and from the admin."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from jobs.workers import ticks
from nova.models import BedrockBatch, NovaJob, Question, RawReply
from tests.nova.batches import ask_for, assert_settled, lower_minimum, send, states
from tests.nova.clips import work_off
from tests.standin import world as at
from tests.standin.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nova_jobs(aws: World, settings: Any, folders: Path, tmp_path: Path) -> list[NovaJob]:
    lower_minimum(aws, settings)
    return ask_for(tmp_path / "media", 4)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("poll_bedrock", *arguments, stdout=out)
    return out.getvalue()


def act(client: Client, model: str, action: str, *ids: int) -> str:
    """Do an action of the admin; returns the page with its messages."""
    url = reverse(f"admin:nova_{model}_changelist")
    return client.post(url, {"action": action, "_selected_action": ids}, follow=True).content.decode()


@pytest.mark.usage_told
def test_the_command_sends_polls_and_takes_in(aws: World, nova_jobs: list[NovaJob]) -> None:
    assert "not sent yet" in said("--once")
    work_off()
    aws.clock.advance(minutes=40)

    facts = json.loads(said("--once", "--json"))

    done = 4 if aws.ways.tells_counts else None
    assert (facts["status"], facts["records_done"], facts["is_collected"]) == ("Completed", done, True)
    assert set(states(nova_jobs)) == {"completed"}
    assert said() == "No batch is under way.\n"
    assert_settled(aws)


def test_the_command_ends_with_an_error_where_a_batch_failed(aws: World, nova_jobs: list[NovaJob]) -> None:
    said("--once")
    work_off()
    aws.plan = at.BatchPlan(outcome="Failed")
    aws.clock.advance(minutes=40)

    with pytest.raises(CommandError, match="1 batch has failed"):
        said("--once")


def test_the_tick_of_the_workers_does_the_same(aws: World, nova_jobs: list[NovaJob]) -> None:
    (tick,) = [tick for tick in ticks.ticks() if tick.name == "nova.batches"]
    assert tick.every_s() == 60
    tick.run()
    work_off()
    aws.clock.advance(minutes=40)
    tick.run()
    work_off()

    assert set(states(nova_jobs)) == {"completed"}


def test_the_admin_sends_asks_and_cancels(aws: World, nova_jobs: list[NovaJob], admin_client: Client) -> None:
    aws.break_next("CreateModelInvocationJob", at.NO_PASS_ROLE)
    (batch,) = send()
    page = act(admin_client, "bedrockbatch", "send_now", batch.pk)
    second = BedrockBatch.objects.latest("pk")
    assert str(second) in page
    work_off()

    assert "Submitted" in act(admin_client, "bedrockbatch", "ask_now", second.pk)
    assert "Stopped" in act(admin_client, "bedrockbatch", "cancel", second.pk)
    work_off()

    assert set(states(nova_jobs)) == {"cancelled"}
    assert "No record waits" in act(admin_client, "question", "send_now", Question.objects.latest("pk").pk)
    for model in ("bedrockbatch", "question", "rawreply"):
        assert admin_client.get(reverse(f"admin:nova_{model}_changelist")).status_code == 200
    assert not RawReply.objects.exists()
    assert_settled(aws)


def test_the_admin_says_what_aws_said(
    aws: World, nova_jobs: list[NovaJob], admin_client: Client, settings: Any
) -> None:
    (batch,) = send()
    aws.break_next("GetModelInvocationJob", at.EXPIRED, times=9)
    assert "sign in again" in act(admin_client, "bedrockbatch", "ask_now", batch.pk)
    settings.S3_BUCKET_NAME = ""
    assert "S3_BUCKET_NAME is not set" in act(admin_client, "bedrockbatch", "send_now", batch.pk)


def test_who_may_only_look_sees_no_action(nova_jobs: list[NovaJob], client: Client) -> None:
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_bedrockbatch"))
    client.force_login(user)
    send()

    page = client.get(reverse("admin:nova_bedrockbatch_changelist")).content.decode()

    assert "lite" in page
    assert "send_now" not in page
