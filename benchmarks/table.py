"""All figures and curves, in the order in which they are measured and told."""

from benchmarks import clients, connections, growth, holding, life, pools, scenarios, services, starting
from benchmarks.curve import Curve
from benchmarks.effort import Effort
from benchmarks.figure import Figure


def all_figures(effort: Effort) -> list[Figure]:
    """Every line of the table."""
    return [
        *connections.figures(effort),
        *life.figures(effort),
        *services.figures(effort),
        *pools.figures(effort),
        *starting.figures(effort),
        *scenarios.figures(effort),
    ]


def all_curves(effort: Effort) -> list[Curve]:
    """Every plot."""
    return [*clients.curves(effort), *holding.curves(effort), *growth.curves(effort)]
