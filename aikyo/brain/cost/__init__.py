"""What thinking costs: prices, the ledger of all calls, and the caps."""

from .ledger import Ledger
from .prices import Prices
from .purse import Purse
from .records import ModelCall
from .spending import Cap, caps_of

__all__ = ["Cap", "Ledger", "ModelCall", "Prices", "Purse", "caps_of"]
