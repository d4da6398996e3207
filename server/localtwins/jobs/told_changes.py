"""Changes that tell whoever follows the log that a job writes: not what, only that it has, and when it is over.

Each change of a job's end comes after all that the job writes, and each job that is told of has one in the end.
"""

from localtwins.engine.clock import twin_time
from localtwins.events import notifications
from localtwins.store.transaction import Transaction


def tell_write(tx: Transaction, kind: str, job_id: str) -> None:
    """Tells that a job writes in this transaction."""
    tx.begin_job_in_changes(kind, job_id)
    tx.append_change(notifications.job_wrote(kind, job_id, twin_time(tx.now())))


def tell_end(tx: Transaction, kind: str, job_id: str) -> None:
    """Tells that a job writes no more, unless it has written nothing or its end is told already."""
    if tx.end_job_in_changes(kind, job_id):
        tx.append_change(notifications.job_ended(kind, job_id, twin_time(tx.now())))


def tell_abandoned(tx: Transaction) -> None:
    """Tells the ends of jobs whose process was killed, and that nobody goes on with."""
    for kind, job_id in tx.jobs_abandoned_in_changes():
        tell_end(tx, kind, job_id)
