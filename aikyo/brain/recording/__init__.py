"""Every call of every brain kept in a file, and played back without a model."""

from .format import VERSION, Header
from .recorder import Recorder, RecordingBrain
from .replay import Recording, ReplayBrain, read_recording

__all__ = [
    "VERSION",
    "Header",
    "Recorder",
    "Recording",
    "RecordingBrain",
    "ReplayBrain",
    "read_recording",
]
