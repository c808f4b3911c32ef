"""The kinds of forgery, one in each file."""

from trainer.corpus.forging.base import Forgery
from trainer.corpus.forging.copy_move import COPY_MOVE
from trainer.corpus.forging.overlay import OVERLAY
from trainer.corpus.forging.removal import REMOVAL
from trainer.corpus.forging.retouch import RETOUCH
from trainer.corpus.forging.splice import SPLICE

FORGERIES: tuple[Forgery, ...] = (SPLICE, COPY_MOVE, REMOVAL, RETOUCH, OVERLAY)
"""Every kind, in the order in which they are listed and drawn."""
