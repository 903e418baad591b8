"""Service processes on the machines of a cluster: an engine places them, riser's own sessions carry the calls.

Nothing of this imports an engine but what runs in the connector process; see `connector`.
"""
