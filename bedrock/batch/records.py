"""The files of one batch job: what goes in, and what comes out. Streamed, so that memory stays flat.

A job has one folder with the records, and below it those of every video and picture they name, as in AWS's own example;
Bedrock refuses these from elsewhere. No file of records is larger than AWS takes, however many there are.

    folder = BatchFolder("Ab3…")                             # <input prefix>/Ab3…/
    folder.media_uri(staging.new_id())                       # what a record's question names
    folder.write_records(((record_id, converse.batch_body(question)) for …), max_bytes=quotas.records_file_bytes)
    arn = jobs.create(folder.new_job(client_token=…, runtime_id=…))
    for record in read_output(jobs.get(arn)): …         # in any order, twice, strangers among them
    folder.clear(); clear_output(job)
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bedrock import conf, converse, staging
from bedrock.batch import jobs
from bedrock.batch.jobs import NewJob, RemoteJob
from bedrock.converse import ConverseReply

RECORDS, LINES_ENDING = "records", ".jsonl"
#: Where below the records a medium lies, and how its files end.
PLACES = {"video": ("videos", "mp4"), "image": ("pictures", "jpg")}
#: Our jobs are told from others in the account by this.
NAME_PREFIX = "novaproject"
OUT = ".jsonl.out"


@dataclass(frozen=True)
class BatchFolder:
    """The input folder of one batch job, named by an id of letters and digits."""

    name: str

    @property
    def prefix(self) -> str:
        """Raises NotConfiguredError that names the settings which batch mode still needs."""
        if not (conf.batch().input_prefix and conf.bucket()):
            jobs.role_arn()
        return f"{conf.batch().input_prefix}/{self.name}"

    @property
    def uri(self) -> str:
        return f"{staging.uri(self.prefix)}/"

    def media_key(self, record_id: str, medium: str = "video") -> str:
        folder, suffix = PLACES[medium]
        return f"{self.prefix}/{folder}/{record_id}.{suffix}"

    def media_uri(self, record_id: str, medium: str = "video") -> str:
        return staging.uri(self.media_key(record_id, medium))

    def write_records(self, records: Iterable[tuple[str, Mapping[str, Any]]], *, max_bytes: int) -> int:
        """Write `(record id, modelInput)` pairs as JSONL, by way of a file on disk. Returns how many there were.

        They go into as many files of `max_bytes` as it takes. Files of an earlier attempt are gone before.
        """
        earlier = (staged.key for staged in staging.listed(self.prefix) if staged.key.endswith(LINES_ENDING))
        staging.delete(list(earlier))
        lines = (record_line(record_id, body).encode() for record_id, body in records)
        count = number = 0
        line = next(lines, None)
        while line is not None:
            number += 1
            size = 0
            with tempfile.NamedTemporaryFile("wb", suffix=LINES_ENDING) as file:
                while line is not None and (not size or size + len(line) <= max_bytes):
                    file.write(line)
                    size, count = size + len(line), count + 1
                    line = next(lines, None)
                file.flush()
                name = f"{RECORDS}{'' if number == 1 else f'-{number}'}{LINES_ENDING}"
                staging.upload(Path(file.name), f"{self.prefix}/{name}", file_id=None, content_type="application/jsonl")
        return count

    def staged(self) -> set[str]:
        """The keys that are there already, so that an interrupted staging goes on where it was."""
        return {staged.key for staged in staging.listed(self.prefix)}

    def new_job(self, *, client_token: str, runtime_id: str) -> NewJob:
        """The job to create. Keep `client_token` before the call: the same token is the same job."""
        return NewJob(
            name=f"{NAME_PREFIX}-{self.name}",
            client_token=client_token,
            runtime_id=runtime_id,
            input_uri=self.uri,
            output_uri=f"{staging.uri(conf.batch().output_prefix)}/",
        )

    def clear(self) -> int:
        """Delete everything that was staged for the job."""
        return staging.delete_folder(self.prefix)


@dataclass(frozen=True, kw_only=True)
class OutputRecord:
    """One line of the output: a reply, or the error that stands in its place."""

    record_id: str
    reply: ConverseReply | None
    error_code: int | None = None
    error: str = ""


def record_line(record_id: str, body: Mapping[str, Any]) -> str:
    """One line of input; its length counts for the limits of a job."""
    return json.dumps({"recordId": record_id, "modelInput": body}, ensure_ascii=False) + "\n"


def read_output(job: RemoteJob) -> Iterator[OutputRecord]:
    """What Bedrock wrote for a job, also for one that ended early: in no order, perhaps twice, perhaps not at all."""
    for staged in staging.listed(_output_prefix(job)):
        if not staged.key.endswith(OUT):  # the manifest ends in .out too
            continue
        for line in staging.read_lines(staged.key):
            if line.get("recordId"):
                yield output_record(line)


def has_output(job: RemoteJob) -> bool:
    """Whether there is anything of a job's output, its manifest included."""
    return any(True for _ in staging.listed(_output_prefix(job)))


def output_record(line: Mapping[str, Any]) -> OutputRecord:
    """A line of the output as a record: with its reply, else with the error that Bedrock gave, or that it gave none."""
    record_id, model_output = str(line["recordId"]), line.get("modelOutput")
    if isinstance(model_output, dict) and model_output:
        return OutputRecord(record_id=record_id, reply=converse.reply_of_record(model_output))
    error = line.get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("errorCode")
    words = str(error.get("errorMessage") or "Bedrock wrote neither an answer nor an error.")
    return OutputRecord(
        record_id=record_id, reply=None, error_code=code if isinstance(code, int) else None, error=words
    )


def clear_output(job: RemoteJob) -> int:
    """Delete what Bedrock wrote for a job, once it was taken in."""
    return staging.delete_folder(_output_prefix(job))


def _output_prefix(job: RemoteJob) -> str:
    return staging.key_of(jobs.output_folder(job))


def our_jobs(*, since: datetime | None = None) -> Iterator[RemoteJob]:
    """The account's jobs that this program made, newest first: those that the database does not know can be adopted
    by their client token, and their folder is the end of their name."""
    return jobs.listed(since=since, name_contains=f"{NAME_PREFIX}-")


def folder_of(job: RemoteJob) -> BatchFolder:
    """The folder that a job of ours was made from."""
    return BatchFolder(job.name.removeprefix(f"{NAME_PREFIX}-"))
