"""Settings of the worker processes in the batch tests: the test's own database and folders, and the stand-ins."""

from tests.jobs.farm.settings import *  # noqa: F403
from tests.standin.fixtures import BUCKET, INPUT_PREFIX, OUTPUT_PREFIX
from tests.standin.world import REGION, ROLE

AWS_REGION, S3_BUCKET_NAME, BEDROCK_BATCH_ROLE_ARN = REGION, BUCKET, ROLE
NOVA_BATCH_INPUT_PREFIX, NOVA_BATCH_OUTPUT_PREFIX = INPUT_PREFIX, OUTPUT_PREFIX
NOVA_BATCH_MIN_RECORDS = 10
NOVA_POLL_SECONDS = 1
JOB_BACK_OFF_SECONDS = 0.3
IMPORT_STEPS = []
LOG_LEVEL = "ERROR"
