import pytest

from readstate.errors import BadInput
from readstate.simulator.seed.world_shape import WorldShape


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"users": -1}, "users"),
        ({"services": 0}, "services"),
        ({"odd_identities": 2}, "odd_identities"),
        ({"conversations_per_user": -1, "heaviest": -2}, "heaviest"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_every_reason(fields: dict[str, int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        WorldShape(**fields)
