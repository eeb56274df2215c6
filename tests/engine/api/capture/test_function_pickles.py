"""User functions as workers load them."""

from __future__ import annotations

import copyreg
import gc
import sys
from typing import Any

import pytest

from stream_engine.api.capture.pickling import pickled_function
from stream_engine.api.capture.snapshot import snapshot
from stream_engine.api.functions import MapFunction


class Adder(MapFunction):
    """Most classes of users are like it."""

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self.helper = Helper()
        self.helper.owner = self

    def map(self, value: int) -> int:
        return value + self.amount


class Helper:
    owner: Any = None


class Guarded(Adder):
    """Its dict has what a property hides."""

    def __init__(self) -> None:
        super().__init__(1)
        self.__dict__["shown"] = 2

    @property
    def shown(self) -> int:
        return self.__dict__["shown"] + 1


class Watchful(MapFunction):
    def __init__(self, amount: int) -> None:
        self.amount = amount

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, [value])

    def map(self, value: int) -> int:
        return value


class Restored(Adder):
    def __setstate__(self, state: dict[str, Any]) -> None:
        self.restored = state["amount"]


class Slotted(Adder):
    __slots__ = ("fast",)

    def __init__(self) -> None:
        super().__init__(1)
        self.fast = 2


class Registered(Adder):
    """Pickled as copyreg says."""


copyreg.pickle(Registered, lambda registered: (Registered, (registered.amount + 1,)))  # pyright: ignore[reportArgumentType]


class Listing(list[int]):
    def __init__(self) -> None:
        super().__init__([1, 2])
        self.name = "numbers"


def loaded(function: Any) -> Any:
    return snapshot(function, "map", MapFunction, ("value",)).load()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="attributes are in a dict before CPython 3.11")
def test_attributes_of_functions_need_no_dict() -> None:
    function = loaded(Adder(3))

    assert not has_dict(function)
    assert not has_dict(function.helper)


def has_dict(made: object) -> bool:
    return any(type(each) is dict for each in gc.get_referents(made))


def test_a_function_refers_to_itself_as_it_did() -> None:
    function = loaded(Adder(3))

    assert function.helper.owner is function
    assert function.map(1) == 4


@pytest.mark.parametrize("by_value", [False, True])
def test_attributes_that_a_class_guards_are_restored_as_pickle_does(by_value: bool) -> None:
    class Local(Guarded):
        pass

    function = loaded(Local() if by_value else Guarded())

    assert (function.shown, vars(function)["shown"]) == (3, 2)


def test_a_setattr_of_the_class_is_not_called() -> None:
    watchful = Watchful(1)

    assert loaded(watchful).amount == watchful.amount == [1]


def test_a_class_with_ways_of_its_own_to_be_pickled_keeps_them() -> None:
    restored, slotted, registered = loaded(Restored(7)), loaded(Slotted()), loaded(Registered(7))

    assert vars(restored) == {"restored": 7}
    assert (slotted.fast, slotted.amount) == (2, 1)
    assert registered.amount == 8


def test_attributes_of_lists_are_restored_with_their_items() -> None:
    function = Adder(1)
    function.helper.owner = Listing()

    listing = loaded(function).helper.owner
    assert (list(listing), listing.name) == ([1, 2], "numbers")


def test_what_cannot_be_pickled_is_told_as_ever() -> None:
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        pickled_function(Adder(number for number in range(3)))  # pyright: ignore[reportArgumentType]
