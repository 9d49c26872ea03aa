"""Finding peers and staying connected to them: mDNS, bootstrap, the ring of links, the dialer.

Importing this package loads no libp2p.
"""
