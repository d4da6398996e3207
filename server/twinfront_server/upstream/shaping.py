"""Keeps writes within the rates that Azure Digital Twins takes: each waits for its turn (traffic shaping).

Beyond its rates Azure Digital Twins answers 429, which costs a request and tells the caller to come back some time. A
write that waits here instead is sent as soon as there is room, in the order of its twin, and callers take turns at what
is left of the instance. One whose turn would come too late for its deadline is refused at once, and nothing is sent.

An example with 10 writes a second to one twin, of which 5 may come at once: 8 callers patch it in the same moment. The
patches of 5 are sent, the others after 0.1, 0.2 and 0.3 seconds, unless their deadlines are nearer than that.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twinfront_server.call import LONGEST_WAIT, TIME_TO_ANSWER, TIME_TO_ASK, Call, current_call
from twinfront_server.errors import TwinfrontError, server_draining, shortened, upstream_throttled
from twinfront_server.metric_table import WriteLimit
from twinfront_server.metrics import Metrics
from twinfront_server.quotas.waiting_lines import WaitingLines
from twinfront_server.settings import Settings
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.pacing import retry_delay

MAX_WAITING: Final = 10_000
"""Writes that may wait. No caller has more of them than are left for others, which is half of them for one alone."""

_BURST: Final = 0.5
"""For how many seconds' worth of writes there is room at once after a pause. How Azure Digital Twins measures a second
is not documented; what arrives closer together than it was sent has the other half."""

_TIME_TO_END: Final = TIME_TO_ANSWER + TIME_TO_ASK
"""Seconds before the deadline at which a write that has waited is not begun any more."""

_RATES: Final[dict[str, WriteLimit]] = {
    operations.PUT_DIGITAL_TWIN.name: "create_delete_rate",
    operations.DELETE_DIGITAL_TWIN.name: "create_delete_rate",
    operations.PUT_RELATIONSHIP.name: "create_delete_rate",
    operations.DELETE_RELATIONSHIP.name: "create_delete_rate",
    operations.PATCH_DIGITAL_TWIN.name: "patch_rate",
    operations.PATCH_COMPONENT.name: "patch_rate",
    operations.PATCH_RELATIONSHIP.name: "patch_rate",
}
"""The rate of the instance that an operation counts towards; one that is not here counts towards none."""

_LONGEST_KEY: Final = 128
"""Characters of an id that a line is known by: a target's may be of any length, until it is refused."""


@dataclass(slots=True)
class _Step:
    """One of the lines that a write passes."""

    limit: WriteLimit
    lines: WaitingLines
    key: str

    def wait(self, call: Call) -> float:
        return self.lines.wait(self.key, self.sharer(call))

    async def take(self, call: Call) -> None:
        await self.lines.take(self.key, self.sharer(call))

    def sharer(self, call: Call) -> object:
        """Gives whose turn it is in the line of the instance; that of a twin is served in order."""
        return None if self.key else call.caller


class WriteShaper:
    """Has the writes of one process wait for their turn.

    Args:
        settings: the rates.
        metrics: show what waits and for how long, and count what is refused.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._twins = WaitingLines(settings.twin_write_rate, _BURST)
        self._instance: dict[WriteLimit, _Step] = {
            "patch_rate": _Step("patch_rate", WaitingLines(settings.patch_rate, _BURST), ""),
            "create_delete_rate": _Step("create_delete_rate", WaitingLines(settings.create_delete_rate, _BURST), ""),
        }
        self._waiting: Counter[object] = Counter()
        self._count = 0
        self._ending = False
        metrics.waiting_writes.set_function(lambda: self._count)

    def turn_at_once(self, asked: Asked) -> bool:
        """Tells whether a write may be sent now, and that is its turn then; else it has to wait for its `turn`."""
        passed: list[_Step] = []
        for step in self._steps(asked):
            if not step.lines.take_at_once(step.key):
                for each in passed:
                    each.lines.give_back(each.key)
                return False
            passed.append(step)
        return True

    async def turn(self, asked: Asked) -> None:
        """Waits until a write may be sent.

        Raises:
            TwinfrontError: UPSTREAM_THROTTLED if that is too late for its call; SERVER_DRAINING if the server stops
                before. It is not to be sent then.
        """
        if not self.turn_at_once(asked):
            await self._wait(self._steps(asked), asked, current_call())

    def slow_down(self, asked: Asked, throttled: TwinfrontError) -> None:
        """Holds back writes to a twin that the upstream throttles, or all like one, for as long as it said."""
        seconds = min(retry_delay(throttled), LONGEST_WAIT)
        if throttled.throttled_twin:
            self._twins.hold(throttled.throttled_twin[:_LONGEST_KEY], seconds)
        elif limit := _RATES.get(asked.operation.name):
            self._instance[limit].lines.hold("", seconds)

    def end_waiting(self) -> None:
        """Ends the wait of all writes, and of those that come: the server stops, and other servers may have room."""
        self._ending = True
        for lines in (self._twins, *(step.lines for step in self._instance.values())):
            lines.end(_not_begun)

    def _steps(self, asked: Asked) -> Sequence[_Step]:
        limit = _RATES.get(asked.operation.name)
        if limit is None:
            return ()
        # A relationship counts towards both of its ends (recorded), as far as they are known here.
        twins = dict.fromkeys(filter(None, (asked.ids["digital_twin_id"], asked.ids.get("target_id"))))
        steps = [_Step("twin_write_rate", self._twins, twin[:_LONGEST_KEY]) for twin in twins]
        return [*steps, self._instance[limit]]

    async def _wait(self, steps: Sequence[_Step], asked: Asked, call: Call) -> None:
        if self._ending:
            raise _not_begun()
        wait, slowest = max(((step.wait(call), step) for step in steps), key=lambda each: each[0])
        if self._waiting[call.caller] >= MAX_WAITING - self._count:
            why = "Too many writes of this caller wait for Azure Digital Twins to take them."
            raise self._refused("waiting_writes", why, asked, wait)
        now = asyncio.get_running_loop().time()
        latest = now + LONGEST_WAIT
        if call.deadline is not None:
            latest = min(latest, call.deadline - _TIME_TO_END)
        if now + wait > latest:
            raise self._too_late(slowest, asked, wait)
        if slowest.key:
            call.give_place_back()
        self._waiting[call.caller] += 1
        self._count += 1
        try:
            async with asyncio.timeout_at(latest):
                for step in steps:
                    slowest = step
                    await step.take(call)
        except TimeoutError:
            raise self._too_late(slowest, asked, slowest.wait(call)) from None
        finally:
            self._metrics.write_waiting_seconds.observe(asyncio.get_running_loop().time() - now)
            self._count -= 1
            self._waiting[call.caller] -= 1
            if not self._waiting[call.caller]:
                del self._waiting[call.caller]

    def _refused(self, limit: WriteLimit, why: str, asked: Asked, wait: float) -> TwinfrontError:
        self._metrics.held_back_write(limit)
        return upstream_throttled(f"{why} Nothing was done.", metadata=asked.ids, retry_after=wait)

    def _too_late(self, step: _Step, asked: Asked, wait: float) -> TwinfrontError:
        to_twin = f" to digitaltwins/{shortened(step.key)}" if step.key else ""
        flag = f"--{step.limit.replace('_', '-')}"
        why = f"More writes{to_twin} wait than Azure Digital Twins takes before this call's deadline ({flag})."
        return self._refused(step.limit, why, asked, wait)


def open_shaper(settings: Settings, metrics: Metrics) -> WriteShaper | None:
    """Makes what the settings have writes wait for; None if they wait for nothing."""
    return WriteShaper(settings, metrics) if settings.shapes_writes else None


def _not_begun() -> TwinfrontError:
    return server_draining("This write waited for its turn and was not begun; try again.")
