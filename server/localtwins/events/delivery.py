"""Delivery: each event route follows the change log at its own pace.

A route reads the log from its position, filters, delivers and goes on; its position is stored at most once a second and
at the end. So after a crash at most the events of a second come again, and whatever an endpoint does, it holds up
neither writes nor other routes: the log waits for it on the disk, until it is trimmed.
"""

import asyncio
import sqlite3
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from localtwins.errors import AdtError
from localtwins.events.cloud_events import CloudEvent, Condition
from localtwins.events.endpoints import Endpoint, open_endpoint
from localtwins.events.notifications import is_event
from localtwins.store.database import Database
from localtwins.store.reader import EventRoute
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)
_BATCH: Final = 128
_STORE_SECONDS: Final = 1.0
_STORAGE_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 1.0


class Delivery:
    """Delivers along all event routes of an instance.

    Args:
        database: has the routes and the change log.
        targets: endpoint name -> where it delivers to.
        source: the name of the instance in events.
    """

    def __init__(self, database: Database, targets: Mapping[str, str], source: str) -> None:
        self._database = database
        self._source = source
        self._endpoints = {name: open_endpoint(name, target) for name, target in targets.items()}
        self._running: dict[str, _RunningRoute] = {}
        self._stack = ExitStack()

    def start(self) -> None:
        """Delivers what is waiting and what will come."""
        if self._endpoints:
            self._stack.enter_context(self._database.listening(self._on_commit))
            self._on_commit()

    async def close(self) -> None:
        """Gives what is waiting a second to be delivered, then stops, and stores how far each route is."""
        self._stack.close()
        await asyncio.gather(*(route.stop() for route in self._running.values()))
        self._running.clear()
        for endpoint in self._endpoints.values():
            await endpoint.close()

    def _on_commit(self) -> None:
        """Starts and stops routes as they come and go, and tells the others that there may be changes."""
        try:
            self._follow_routes()
        except sqlite3.Error:
            _log.exception("the event routes cannot be read; the next write tries again")

    def _follow_routes(self) -> None:
        routes = {route.id: route for route in self._database.read.event_routes()}
        for route_id, running in list(self._running.items()):
            route = routes.get(route_id)
            if route is None or not running.is_of(route):
                running.cancel()
                del self._running[route_id]
                if route is not None:  # what the old version has delivered is not for the new one
                    routes[route_id] = replace(route, position=max(route.position, running.position))
        for route_id, route in routes.items():
            if route_id in self._running:
                self._running[route_id].wake()
            else:
                self._start(route)

    def _start(self, route: EventRoute) -> None:
        endpoint = self._endpoints.get(route.endpoint_name)
        if endpoint is None:
            return  # the endpoint is gone from the settings; the route waits for its return
        log_id = uuid.UUID(self._database.read.change_log_id())
        self._running[route.id] = _RunningRoute(self._database, route, endpoint, self._source, log_id)


class _RunningRoute:
    """Runs the task that delivers one version of one event route."""

    def __init__(
        self, database: Database, route: EventRoute, endpoint: Endpoint, source: str, log_id: uuid.UUID
    ) -> None:
        self._database = database
        self._route = route
        self._endpoint = endpoint
        self._source = source
        self._log_id = log_id
        self.position = route.position
        self._stored = route.position
        self._stored_at = 0.0
        self._changes = asyncio.Event()
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name=f"event route {route.id}")

    def is_of(self, route: EventRoute) -> bool:
        return (route.endpoint_name, route.filter) == (self._route.endpoint_name, self._route.filter)

    def wake(self) -> None:
        self._changes.set()

    def cancel(self) -> None:
        self._task.cancel()

    async def stop(self) -> None:
        self._stopping = True
        self.wake()
        await asyncio.wait([self._task], timeout=_STOP_SECONDS)
        self.cancel()
        await asyncio.wait([self._task])
        try:
            await self._store()
        except sqlite3.Error as error:
            _log.warning("some events will come again", route=self._route.id, error=str(error))

    async def _run(self) -> None:
        from localtwins.events import filters  # noqa: PLC0415  (only who has a route needs it)

        try:
            condition = filters.parse(self._route.filter)
        except AdtError as error:  # stored by a version with another grammar
            _log.error("an event route delivers nothing", route=self._route.id, error=error.message)
            return
        while not self._stopping:
            try:
                await self._follow(condition)
            except Exception:  # noqa: BLE001  (a storage error or a defect ends no delivery)
                _log.exception("delivery is interrupted", route=self._route.id)
                await asyncio.sleep(_STORAGE_RETRY_SECONDS)

    async def _follow(self, condition: Condition) -> None:
        while True:
            self._changes.clear()
            changes = self._database.read.changes(self.position, _BATCH)
            if not changes:
                if self._stopping:
                    return
                await self._idle()
                continue
            skipped = self._database.read.changes_between(self.position, changes[0].position)
            if skipped:
                _log.warning("changes were trimmed before delivery", route=self._route.id, changes=skipped)
            events = [
                CloudEvent(change, source=self._source, log_id=self._log_id)
                for change in changes
                if is_event(change.type)
            ]
            wanted = [event for event in events if condition(event)]
            if wanted:
                await self._endpoint.deliver(wanted)
            else:
                await asyncio.sleep(0)
            self.position = changes[-1].position
            if asyncio.get_running_loop().time() - self._stored_at >= _STORE_SECONDS:
                await self._store()

    async def _idle(self) -> None:
        """Waits for changes, and stores the position once none have come for a moment."""
        try:
            async with asyncio.timeout(None if self._stored == self.position else _STORE_SECONDS):
                await self._changes.wait()
        except TimeoutError:
            await self._store()

    async def _store(self) -> None:
        position = self.position
        if position == self._stored:
            return
        await self._database.write(lambda tx: tx.advance_event_route(self._route.id, position))
        self._stored = position
        self._stored_at = asyncio.get_running_loop().time()
