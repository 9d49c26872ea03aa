"""Who is who on the mesh: a home's nodes, whose an id is, and what of others is believed.

Whatever carries the payloads; importing this package loads no libp2p.
"""
