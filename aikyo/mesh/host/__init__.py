"""One libp2p host, and what strangers may cost it: connections, streams, gossip, and libp2p's repairs.

Most modules of this package import libp2p (1.5 s); `limits` and `guard` do not.
"""
