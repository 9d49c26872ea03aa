"""What people do to a memory: see it in numbers, correct it, forget, take it elsewhere."""

from ..storage.backups import back_up, backups_of
from .choosing import Chosen, Wish, choose
from .copies import BEYOND, Forgotten, edit_in_copies, forget_in_copies, holders
from .editing import Corrected, edit
from .exporting import Exported, export
from .forgetting import Gone, forget
from .importing import Imported, import_into, import_memory
from .recordings import note_recording
from .statistics import Statistics, statistics
from .tracing import followers, origins

__all__ = [
    "BEYOND",
    "Chosen",
    "Corrected",
    "Exported",
    "Forgotten",
    "Gone",
    "Imported",
    "Statistics",
    "Wish",
    "back_up",
    "backups_of",
    "choose",
    "edit",
    "edit_in_copies",
    "export",
    "followers",
    "forget",
    "forget_in_copies",
    "holders",
    "import_into",
    "import_memory",
    "note_recording",
    "origins",
    "statistics",
]
