"""The adapter: riser as the testee contract (docs/testee-contract.md) wants it, `python -m riser.testee CONFIG.json`.

    CONFIG.json --read at the launch and for each new server--> config --> callbacks, handlers
    callbacks --one JSON line each--> the events FIFO
    clients <--commands and answers--> probe

It is also meant to be read by who writes one for another implementation.
"""
