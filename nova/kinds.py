"""The names of this floor's kinds of jobs."""

ANALYZE = "analyze"
ASK_NOVA = "ask_nova"
BATCH_RECORD = "batch_record"
SEND_BATCH = "send_batch"
COLLECT_BATCH = "collect_batch"
REPARSE = "reparse"
#: Those whose subject is an analysis.
KINDS = (ANALYZE, ASK_NOVA, BATCH_RECORD)
