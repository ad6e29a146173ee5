"""Both sides of the door to the work on batches."""

from jobs.models import Job
from jobs.work import Work
from nova.batch import collecting, sending
from nova.models import BedrockBatch


def run_send(work: Work) -> str:
    """The body of `send_batch`."""
    batch = BedrockBatch.objects.get(pk=work.subject)
    return sending.send_batch(batch, progress=work.progress, token=f"{work.job_id}-{work.attempt}")


def run_collect(work: Work) -> str:
    """The body of `collect_batch`."""
    batch = BedrockBatch.objects.get(pk=work.subject)
    taken = collecting.collect(batch, progress=work.progress)
    return f"{taken:,} results taken in"


def on_send_ended(job: Job) -> None:
    """Sending failed for good, or was cancelled: the questions wait again, unless Bedrock may have them."""
    batch = BedrockBatch.objects.filter(pk=job.subject_id or 0, called_at__isnull=True).first()
    if batch is not None and job.state != Job.State.SUCCEEDED:
        reason = job.error or "Sending it was cancelled."
        sending.give_up(batch, reason, job.remedy or "Send it again by hand.", is_held=True)
