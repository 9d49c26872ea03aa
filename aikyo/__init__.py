"""aikyo: AI companions that live together on a peer-to-peer mesh.

Importing this package is cheap by design: neither libp2p nor an LLM SDK is loaded here.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
