"""What the first question of a process would wait for, loaded before somebody asks it."""

import logging

from django.db import DatabaseError, connection

from embeddings.indexing import spaces
from embeddings.stores import bit_matrix
from embeddings.stores.registry import store
from jobs.errors import WorkError

logger = logging.getLogger(__name__)


def warm() -> None:
    """Load the model and the vectors' signs of the space in use, in a thread of the web server.

    It costs nothing: a paid model is not asked. What lacks is told to whoever searches, not here.
    """
    try:
        space = spaces.active()
        provider = spaces.provider_of(space)
        if not store().problem():
            bit_matrix.snapshot_of(space)
        if not provider.is_paid and not provider.problem():
            provider.embed(["A first question."], purpose="query")
    except (WorkError, DatabaseError):
        logger.info("Search could not be made ready before the first question", exc_info=True)
    finally:
        connection.close()
