"""A module beside the mistakes, whose functions they misname."""


def in_order(path: str, *, least: int) -> None:
    """Take two things."""
    assert path
    assert least
