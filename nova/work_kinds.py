"""The kinds of background work of this app, for the registry of `jobs`."""

from jobs.registry import FAST, LONG, Kind
from nova import batch_tasks, facet, kinds, reparse_tasks, tasks
from nova.batch import pool

KINDS = (
    Kind(
        name=kinds.ANALYZE,
        label="Analyse",
        queue=LONG,
        run=tasks.run_analyze,
        subject_kind="nova_job",
        permission=facet.PERMISSION,
    ),
    Kind(
        name=kinds.ASK_NOVA,
        label="Ask Nova",
        queue=LONG,
        run=tasks.run_ask,
        subject_kind="nova_job",
        permission=facet.PERMISSION,
        max_attempts=8,
        cost_of=tasks.cost_of,
    ),
    Kind(
        name=kinds.BATCH_RECORD,
        label="Ask Nova in a batch",
        queue=FAST,
        run=tasks.run_batch_record,
        subject_kind="nova_job",
        permission=facet.PERMISSION,
        cost_of=tasks.cost_of,
        on_cancel=pool.cancel_question,
    ),
    Kind(
        name=kinds.SEND_BATCH,
        label="Send a batch to Bedrock",
        queue=LONG,
        run=batch_tasks.run_send,
        subject_kind="bedrock_batch",
        permission=facet.PERMISSION,
        max_attempts=6,
    ),
    Kind(
        name=kinds.COLLECT_BATCH,
        label="Take in results of a batch",
        queue=LONG,
        run=batch_tasks.run_collect,
        subject_kind="bedrock_batch",
        permission=facet.PERMISSION,
        max_attempts=6,
    ),
    Kind(
        name=kinds.REPARSE,
        label="Read replies again",
        queue=LONG,
        run=reparse_tasks.run_reparse,
        permission=facet.PERMISSION,
        limit=1,
    ),
)
