"""RISER in Python: cooperative multi-thread and preforked multi-process socket servers, and daemons of them."""

__version__ = "0.1.0"
