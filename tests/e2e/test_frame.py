"""Logging in, colours and keys."""

from django.contrib.auth.models import User

from tests.e2e.conftest import Visit


def test_log_in_and_out(visit: Visit, ada: User) -> None:
    visit.log_in()

    visit.page.get_by_role("button", name="Log out").click()

    visit.page.wait_for_url("**/login/")
    assert visit.said == []


def test_the_colour_scheme_is_kept_and_shared_with_the_admin(visit: Visit, ada: User) -> None:
    visit.log_in()
    toggle = visit.page.get_by_role("button", name="Colours")

    toggle.click()
    toggle.click()
    visit.open("/admin/")

    assert visit.page.locator("html").get_attribute("data-theme") == "dark"
    assert visit.said == []


def test_question_mark_lists_the_keys_and_escape_closes_the_list(visit: Visit, ada: User) -> None:
    visit.log_in()

    visit.page.keyboard.press("?")
    shown = visit.page.get_by_role("dialog", name="Keys").is_visible()
    visit.page.keyboard.press("Escape")

    assert shown
    assert not visit.page.get_by_role("dialog", name="Keys").is_visible()
