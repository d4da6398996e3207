# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Changes of the graph."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from twinfront import _changes
from twinfront._calls import CallMetadata
from twinfront._changes import ChangeContent, ChangeKind, ChangeLog, InitialState, OnExpired
from twinfront._for_threads import Stop
from twinfront._sync.connection import Connection
from twinfront._sync.watches import Watch
from twinfront._timestamps import Timestamp
from twinfront._watching import WatchCourse, watch_request


class ChangeMethods(Connection):
    """The methods that call the ChangeService."""

    def watch(
        self,
        *,
        resume_token: str = "",
        start_time: datetime | Timestamp | str | None = None,
        initial_state: InitialState = "none",
        on_expired: OnExpired = "fail",
        digital_twin_ids: Iterable[str] = (),
        digital_twin_id_prefixes: Iterable[str] = (),
        model_ids: Iterable[str] = (),
        kinds: Iterable[ChangeKind | str] = (),
        paths: Iterable[str] = (),
        relationship_names: Iterable[str] = (),
        content: ChangeContent = "patch",
        checkpoint_interval: timedelta | float | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Watch:
        """Watches the graph change, from now on, from a token, from a time, or behind the state as it is.

        It goes on by itself where its stream breaks, or where the server ends it, and tells each change once. Each item
        has the `resume_token` with which another watch goes on behind it: on the next day, and at another server too.

        Args:
            resume_token: The token of the last item that was handled; the other arguments have to be as they were then,
                but for `on_expired` and `checkpoint_interval`.
            start_time: Begins with the first change at or after it.
            initial_state: What comes before the changes: "twins" those that fit, "graph" the relationships too.
            on_expired: Where changes are lost, "fail" ends the watch with ChangesExpiredError; "resync" tells a `Reset`
                and the state anew (`initial_state` has to be given).
            digital_twin_ids: Only these twins, and the relationships that start from them.
            digital_twin_id_prefixes: Only twins whose ids begin so; beside ids, either has to fit.
            model_ids: Only twins of these models and of their descendants.
            kinds: Only these kinds of changes; all but telemetry by default.
            paths: JSON Pointers: of updates only those that change one of these, what is below it or what it lies in.
            relationship_names: Only relationships with these names.
            content: "after" has the twin or relationship beside the patch of an update, as it is when the server reads
                it, with its etag.
            checkpoint_interval: How often, in seconds, a `Checkpoint` comes while nothing else does: 30 by default.
            timeout: Seconds for the whole watch; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            An iterator of `Change`, `InitialItem`, `InitialStateEnd`, `Checkpoint` and `Reset`. Behind a `Reset` there
            are changes that are not told one by one. Closing it ends the watch.

        Raises:
            ResumeTokenInvalidError: While iterating: the token is of another server, of another log or another request.
            ChangesExpiredError: While iterating: the log no longer has what was to be told.
            ChangesUnsupportedError: While iterating: the server follows no source of changes.
            UnavailableError: While iterating: the server cannot be reached for a minute; `resume_token` of the watch
                says where to go on.
        """
        course = WatchCourse(
            watch_request(
                resume_token=resume_token,
                start_time=start_time,
                initial_state=initial_state,
                on_expired=on_expired,
                digital_twin_ids=digital_twin_ids,
                digital_twin_id_prefixes=digital_twin_id_prefixes,
                model_ids=model_ids,
                kinds=kinds,
                paths=paths,
                relationship_names=relationship_names,
                content=content,
                checkpoint_interval=checkpoint_interval,
            )
        )
        stop = Stop()
        messages = self._follow(self._change_service.Watch, course.call_from, timeout, metadata, stop)
        return Watch(messages, stop, resume_token)

    def get_change_log(self, *, timeout: float | None = None, metadata: CallMetadata = ()) -> ChangeLog:
        """Tells how far the log of changes reaches, and which order it keeps.

        Args:
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            ChangesUnsupportedError: The server follows no source of changes.
        """
        return self._send(self._change_service.GetChangeLog, _changes.get_change_log(), timeout, metadata)
