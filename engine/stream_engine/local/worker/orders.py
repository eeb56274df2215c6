"""What the coordinator says to a worker that runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stream_engine.local.deadline import unpacked_deadline
from stream_engine.wire.messages import CheckpointEnd, CheckpointOrder, Kind, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream_engine.local.worker.checkpoints.round import Checkpoints
    from stream_engine.local.worker.main_loop import MainLoop
    from stream_engine.task.loops import LoopMonitors
    from stream_engine.task.subtask import Subtask
    from stream_engine.wire.connection import Connection
    from stream_engine.wire.messages import Frame


class Orders:
    """Carries them out, or puts those that belong between two records on the agenda of ``main``."""

    def __init__(
        self,
        main: MainLoop,
        control: Connection,
        subtasks: Sequence[Subtask],
        loops: LoopMonitors,
        checkpoints: Checkpoints | None,
    ) -> None:
        self._main = main
        self._control = control
        self._subtasks = subtasks
        self._loops = loops
        self._checkpoints = checkpoints
        self._by_kind: dict[int, Callable[[Frame], None]] = {
            Kind.CANCEL: self._on_cancel,
            Kind.COMMIT: lambda _: main.agenda.append(self._commit),
            Kind.TRIGGER: self._on_trigger,
            Kind.CHECKPOINT_ENDED: self._on_checkpoint_ended,
            Kind.CLIENT_BATCH: lambda frame: main.pulled.feed(frame.exchange, frame.payload),
            Kind.CLIENT_END: lambda frame: main.pulled.end(frame.exchange),
            Kind.LOOP_PROBE: lambda frame: loops.by_id[frame.exchange].on_probe(),
            Kind.LOOP_END: lambda frame: main.agenda.append(loops.by_id[frame.exchange].end),
        }

    def on_frame(self, frame: Frame) -> None:
        """Takes an order."""
        self._by_kind[frame.kind](frame)

    def _on_cancel(self, frame: Frame) -> None:
        self._main.cancelled = True
        self._main.deadline = unpacked_deadline(frame.payload)

    def _on_trigger(self, frame: Frame) -> None:
        assert self._checkpoints is not None
        self._main.agenda.append(partial(self._checkpoints.trigger, unpacked(frame, CheckpointOrder)))

    def _on_checkpoint_ended(self, frame: Frame) -> None:
        assert self._checkpoints is not None
        number, counts = unpacked(frame, CheckpointEnd)
        # At once, as what waits for it may keep the worker from coming to anything else.
        self._checkpoints.end(number, counts)
        if counts:
            self._main.agenda.append(partial(self._checkpoints.on_complete, number))

    def _commit(self) -> None:
        for subtask in self._subtasks:
            subtask.commit()
        self._control.send(Kind.COMMITTED)
