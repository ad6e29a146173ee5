"""What is wrong with the settings of the library, said at start-up. No queries: workers fork afterwards."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from files import conf
from files.media import profiles
from jobs.conf import SETTINGS


@register(SETTINGS)
def check_import_roots(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Import roots should be there, and must not be folders of ours."""
    found: list[CheckMessage] = []
    folders = conf.folders()
    own = [folder.resolve() for folder in (folders.uploads, folders.proxies, folders.data)]
    for root in conf.import_roots():
        if any(root.is_relative_to(folder) for folder in own):
            found.append(
                Error(
                    f"IMPORT_ROOTS holds {root}, which belongs to the library itself.",
                    hint="Name the folder where your own media lie.",
                    id="files.E001",
                )
            )
        elif not root.is_dir():
            found.append(
                Warning(
                    f"IMPORT_ROOTS holds {root}, which is not there.",
                    hint="Connect the drive, or take the folder out of the setting.",
                    id="files.W001",
                )
            )
    return found


@register(SETTINGS)
def check_import_steps(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A step that is misspelt would be skipped in silence."""
    unknown = sorted(set(conf.import_steps()) - set(conf.STEPS))
    if not unknown:
        return []
    return [
        Error(
            f"IMPORT_STEPS holds {', '.join(unknown)}, which is not a step.",
            hint="Steps are proxy, transcribe, analyze, embed, see and read, divided by commas.",
            id="files.E002",
        )
    ]


@register(SETTINGS)
def check_proxy_profile(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A profile that cannot be read would fail every proxy, and the list of stale ones with it."""
    try:
        profiles.parse(conf.proxy_profile())
    except profiles.UnknownProfileError as exc:
        return [Error(f"PROXY_PROFILE: {exc}", hint=exc.remedy, id="files.E003")]
    return []
