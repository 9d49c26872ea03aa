"""Who has signed: keys and signatures of peers that may be anybody.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

from contextlib import suppress

from Crypto.PublicKey import RSA
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey as PlainRSA
from cryptography.hazmat.primitives.serialization import load_der_public_key
from libp2p.crypto.exceptions import CryptographyError
from libp2p.crypto.keys import KeyType
from libp2p.crypto.rsa import RSAPublicKey
from libp2p.exceptions import ValidationError
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX, signature_validator

__all__ = ["read_rsa_key", "verify"]

_RSA_KEY, _EXPONENT = 1 << 10, 1 << 32  # bytes of a key: one of 4096 bits has 550


def verify(message: rpc_pb2.Message) -> bool:
    """By default a message that nobody signed is dropped without a word, and whoever sends thousands of
    them goes on."""
    if not signature_validator(message) and not _others_verify(message):
        raise ValidationError("its author has not signed it")
    return True


def _others_verify(message: rpc_pb2.Message) -> bool:
    """By default a few signatures are refused that OpenSSL accepts, and so js-libp2p: whoever crafts
    them would have its honest neighbours sent away for passing them on."""
    with suppress(Exception):  # a key of another kind
        author = ID(message.from_id)
        key = author.extract_public_key()
        if key is not None and key.get_type() is KeyType.Ed25519 and ID.from_pubkey(key) == author:
            signed = rpc_pb2.Message()
            signed.CopyFrom(message)
            signed.ClearField("signature")
            signed.ClearField("key")
            data = PUBSUB_SIGNING_PREFIX.encode() + signed.SerializeToString()
            with suppress(InvalidSignature):
                Ed25519PublicKey.from_public_bytes(key.to_bytes()).verify(message.signature, data)
                return True
    return False


def read_rsa_key(data: bytes) -> RSAPublicKey:
    """By default a key is read whatever its size: one of a megabit takes minutes, and nothing else runs
    meanwhile.

    Raises:
        CryptographyError: it is too large, or none.
    """
    if len(data) <= _RSA_KEY:
        with suppress(Exception):  # as many as there are ways to be none
            key = load_der_public_key(data)
            if isinstance(key, PlainRSA) and key.public_numbers().e < _EXPONENT:
                numbers = key.public_numbers()
                return RSAPublicKey(RSA.construct((numbers.n, numbers.e), consistency_check=False))
    raise CryptographyError("an RSA key that is not read")
