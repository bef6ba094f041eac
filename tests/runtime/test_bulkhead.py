from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.runtime.bulkhead import Bulkhead

PLACES = st.integers(1, 4)
ACTS = st.lists(st.tuples(st.sampled_from(["enter", "leave", "cancel"]), st.integers(0, 50)), max_size=40)


@given(places=PLACES, acts=ACTS)
def test_there_are_never_more_inside_than_places_and_nobody_waits_while_one_is_free(places, acts):
    async def play():
        bulkhead, inside, waiting = Bulkhead(places, queue=100), [], []

        async def settle():
            for _ in range(3):
                await asyncio.sleep(0)
            arrived = [task for task in waiting if task.done() and not task.cancelled()]
            waiting[:] = [task for task in waiting if not task.done()]
            inside.extend(arrived)

        for act, which in acts:
            if act == "enter":
                waiting.append(asyncio.ensure_future(bulkhead.enter()))
            elif act == "leave" and inside:
                inside.pop(which % len(inside))
                bulkhead.leave()
            elif act == "cancel" and waiting:
                waiting[which % len(waiting)].cancel()
            await settle()
            assert len(inside) <= places
            assert not waiting or len(inside) == places
            assert bulkhead.outstanding == len(inside) + len(waiting)
        for task in waiting:
            task.cancel()
        await settle()
        for _ in inside:
            bulkhead.leave()
        assert bulkhead.outstanding == 0

    asyncio.run(play())


@pytest.mark.asyncio
async def test_a_place_that_comes_in_the_moment_of_cancellation_goes_on_to_the_next():
    bulkhead = Bulkhead(1, queue=10)
    await bulkhead.enter()
    first, second = (asyncio.ensure_future(bulkhead.enter()) for _ in range(2))
    await asyncio.sleep(0)
    bulkhead.leave()
    first.cancel()
    async with asyncio.timeout(5):
        await second
    assert (first.cancelled(), bulkhead.outstanding) == (True, 1)


@pytest.mark.asyncio
async def test_it_is_full_when_every_place_is_taken_and_the_line_is_long_enough():
    bulkhead = Bulkhead(1, queue=1)
    assert bulkhead.try_enter()
    assert not bulkhead.full
    waiting = asyncio.ensure_future(bulkhead.enter())
    await asyncio.sleep(0)
    assert bulkhead.full
    bulkhead.leave()
    await waiting
    assert not bulkhead.full
