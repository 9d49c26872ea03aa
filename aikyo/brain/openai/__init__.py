"""The brain that thinks with any server that speaks Chat Completions.

Its modules are imported one by one: choosing a brain needs `server` alone.
"""
