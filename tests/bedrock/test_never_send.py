"""Nothing of a folder that is never sent leaves this machine: no call, and no copy in S3 either."""

from pathlib import Path

import pytest

from bedrock import staging
from bedrock.errors import FolderNeverSentError
from files.models import File
from tests.files.factories import make_file, make_root
from tests.standin.world import World

pytestmark = pytest.mark.django_db
KEY = f"{staging.REALTIME_PREFIX}/a.mp4"


@pytest.fixture
def kept() -> File:
    return make_file(make_root(never_send=True))


def test_no_copy_of_it_goes_to_s3(aws: World, kept: File, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")

    with pytest.raises(FolderNeverSentError, match="nothing of that folder is sent"):
        staging.upload(path, KEY, file_id=kept.pk)

    assert list(staging.listed(staging.REALTIME_PREFIX)) == []
    staging.upload(path, KEY, file_id=make_file(make_root()).pk)
    assert list(staging.listed(staging.REALTIME_PREFIX)) != []
