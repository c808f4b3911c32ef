"""Many files over the workers of a Dask cluster; rows are those of a scan on one machine.

Dask hands files out, and hands them out again when a worker is lost. It does not guard against
the files: a thread of a Dask worker cannot be stopped, and a decoder that crashes would take all
that its worker does with it. So each thread has a worker process of ours (`app.scan.member`), in
which the file is read, hashed, decoded and judged as on one machine. What ends that process is
told by a row; a file whose Dask workers are lost again and again (``KilledWorker``; the scheduler's
setting ``allowed-failures`` says how often) gets the row of a crash.

A few files for each thread are under way at any time, whatever the size of the folder. Files are
hashed where they are judged: to ask here before each of them would cost a round trip. So the same
content is judged once by each Dask worker that meets it, and made a duplicate here.

This is the one module that opens a socket, and the one that imports ``distributed``. Dask's
messages are pickles: whoever can reach the scheduler can run code on its workers, and here.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import queue
import re
import secrets
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import distributed
from distributed.scheduler import KilledWorker

from app.errors import CancelledError, CrashedError, ElascopeError, ModelRefusedError
from app.scan.likeness import Output, Place, likeness_here, marked, portable, unlike
from app.scan.member import Admitted, Session, leave, member_of
from app.scan.pool import Done, Known, Limits, nothing_known
from app.scan.results import ModelFacts
from app.scan.rows import error_row
from app.scan.work import Outcome, Setup, as_duplicate

_ADDRESS = re.compile(r"((tcp|tls)://)?[^/\s]+:(?P<port>\d{1,5})")
"""Of a scheduler. Dask's client does not get over others."""

_IN_HAND = 3
"""Files for each thread of the cluster: one that is judged, and some on their way."""

_PATIENCE = 0.1
"""Seconds between two looks at the request to stop."""

_CONNECT_SECONDS = 10.0
"""For the scheduler to answer, and then for a worker to be there."""

_START_SECONDS = 300.0
"""For the workers to load their models."""

_ALONE_SECONDS = 120.0
"""That a scan waits for workers when all are lost: a nanny starts them again."""

_GOODBYE_SECONDS = 1.0
"""For the workers to be told that it is over; those that are not notice it by themselves."""

_T = TypeVar("_T")


class ClusterScan:
    """Judges files on a Dask cluster; an `app.scan.examination.Engine`.

    Attributes:
        models: that are asked; known once `start` has returned.
        refusals: on installed models that cannot be asked.
        jobs: files that are judged at once, which changes with the cluster.
        memory: bytes that each of them may take beside program and models, at least.
        hosts: machines with workers.
    """

    def __init__(
        self,
        scheduler: str,
        setup: Setup,
        limits: Limits | None = None,
        roots: Iterable[Path] = (),
        output: Path | None = None,
    ) -> None:
        """Prepare a scan; `start` begins it.

        Args:
            scheduler: its address, such as ``tcp://10.0.0.1:8786``.
            setup: what is done to a file; models are found by name on each machine, files of
                models by their path.
            limits: for one file.
            roots: that will be examined; every machine must see them.
            output: folder that ``setup`` writes maps into; every machine must see it.

        Raises:
            ElascopeError: ``scheduler`` is no such address.
            ModelRefusedError: a model that was named is not here.
        """
        address = _ADDRESS.fullmatch(scheduler)
        if address is None or not 0 < int(address["port"]) < 1 << 16:
            raise ElascopeError(
                f"A scheduler's address is like tcp://10.0.0.1:8786, not {scheduler!r}."
            )
        self._scheduler = scheduler
        self._setup = replace(setup, models=portable(setup.models))
        self._limits = limits or Limits()
        self._roots = tuple(roots)
        self._output = None if output is None else Output(output.absolute())
        self.models: tuple[ModelFacts, ...] = ()
        self.refusals: tuple[ModelRefusedError, ...] = ()
        self.jobs = self.memory = 0
        self.hosts: tuple[str, ...] = ()
        self._client: Any = None
        self._session: Session | None = None
        self._under_way: dict[str, tuple[Any, int, Path]] = {}
        self._finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._looked = self._seen = 0.0

    def __enter__(self) -> ClusterScan:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Beginning --------------------------------------------------------------------------------

    def start(self, stop: threading.Event | None = None) -> None:
        """Find the workers, compare them with this machine, and have them load the models.

        Raises:
            ElascopeError: there is no scheduler or no worker, or a worker differs.
            CancelledError: ``stop`` was set.
        """
        stop = stop or threading.Event()
        likeness = likeness_here(self._setup.models)
        places = tuple(Place.seen_here(root) for root in self._roots)
        self._client = self._connected(stop)
        threads = self._workers(stop)
        self.jobs = sum(threads.values())
        session = Session(
            token=secrets.token_hex(8),
            setup=self._setup,
            limits=self._limits,
            neighbours=_neighbours(threads),
            likeness=likeness,
            places=places,
            output=self._output,
        )
        self._session = session
        with marked(self._output, session.token) as output:
            admitted = self._admit(replace(session, output=output), sorted(threads), stop)
        first_name, first = next(iter(admitted.items()))
        for name, member in admitted.items():
            if difference := unlike(member.asked, first.asked):
                raise ElascopeError(f"The worker {name} {difference}, as on {first_name}.")
        self._session = replace(session, asked=first.asked)
        self.models = _with_providers([member.models for member in admitted.values()])
        self.refusals = first.refusals
        self.memory = min(member.memory for member in admitted.values())
        self.hosts = tuple(sorted({member.host for member in admitted.values()}))

    def _connected(self, stop: threading.Event) -> Any:
        # What Dask says of connections is for its users; ours get a sentence, or a row.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        logging.getLogger("tornado").setLevel(logging.CRITICAL)

        def connect() -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
                return distributed.Client(
                    self._scheduler, timeout=_CONNECT_SECONDS, set_as_default=False
                )

        try:
            return _waited_for(connect, stop, _CONNECT_SECONDS + 2)
        except CancelledError:
            raise
        except Exception as error:
            raise ElascopeError(
                f"No Dask scheduler answers at {self._scheduler}.", repr(error)
            ) from error

    def _workers(self, stop: threading.Event) -> Mapping[str, int]:
        """Threads of each worker, by address; waits until there is one."""
        end = time.monotonic() + _CONNECT_SECONDS
        while time.monotonic() < end:
            if threads := self._threads(stop):
                return threads
            if stop.wait(_PATIENCE):
                raise CancelledError("Cancelled.")
        raise ElascopeError(f"The Dask scheduler at {self._scheduler} has no workers.")

    def _admit(
        self, session: Session, workers: Iterable[str], stop: threading.Event
    ) -> dict[str, Admitted]:
        """Have each worker compared and its models loaded."""
        waiting = {
            name: self._client.submit(
                *_call(_admitted, session), workers=[name], allow_other_workers=False, pure=False
            )
            for name in workers
        }
        admitted: dict[str, Admitted] = {}
        end = time.monotonic() + _START_SECONDS
        while waiting:
            for name, future in list(waiting.items()):
                if future.status == "error":
                    raise _told(future.exception(), f"The worker {name}")
                with contextlib.suppress(TimeoutError):
                    if future.status == "finished":
                        admitted[name] = future.result(timeout=1)
                        del waiting[name]
            if stop.wait(_PATIENCE):
                raise CancelledError("Cancelled.")
            gone = waiting.keys() - self._threads(stop).keys()
            waiting = {name: future for name, future in waiting.items() if name not in gone}
            if waiting and time.monotonic() > end:
                raise ElascopeError(
                    f"The worker {min(waiting)} did not begin within {_START_SECONDS:g} s: it may "
                    "be busy with other work."
                )
        if not admitted:
            raise ElascopeError(f"The Dask scheduler at {self._scheduler} has lost its workers.")
        return dict(sorted(admitted.items()))

    # Going on ---------------------------------------------------------------------------------

    def run(
        self,
        files: Iterable[tuple[int, Path]],
        stop: threading.Event | None = None,
        known: Known = nothing_known,
    ) -> Iterator[Done]:
        """As `app.scan.pool.Scan.run`.

        Raises:
            ElascopeError: the scheduler or all workers are lost, or a worker that joined differs.
        """
        source, stop = iter(files), stop or threading.Event()
        self._seen = time.monotonic()
        try:
            while not stop.is_set():
                self._hand_out(source)
                if not self._under_way:
                    return
                with contextlib.suppress(CancelledError):
                    self._look_around(stop)
                with contextlib.suppress(queue.Empty):
                    yield from self._take(self._finished.get(timeout=_PATIENCE), known)
        finally:
            self.close()

    def close(self) -> None:
        """Give up what is under way; workers are told to end it."""
        client, self._client = self._client, None
        if client is None:
            return
        session, under_way = self._session, list(self._under_way.values())

        def goodbye() -> None:
            with contextlib.suppress(Exception):
                client.cancel([future for future, *_ in under_way], force=True)
                if session is not None:
                    client.run(leave, session.token, on_error="ignore")
            with contextlib.suppress(Exception):
                client.close(timeout=_GOODBYE_SECONDS)

        # A worker or scheduler that does not answer must not keep anybody waiting.
        thread = threading.Thread(target=goodbye, daemon=True)
        thread.start()
        thread.join(_GOODBYE_SECONDS)
        self._under_way.clear()

    def _hand_out(self, source: Iterator[tuple[int, Path]]) -> None:
        while len(self._under_way) < _IN_HAND * self.jobs:
            item = next(source, None)
            if item is None:
                return
            self._submit(*item)

    def _submit(self, number: int, path: Path) -> None:
        # Each machine has a working directory of its own.
        try:
            call = _call(_judged, self._session, path.absolute())
            future = self._client.submit(*call, pure=False)
        except distributed.client.ClosedClientError as error:
            raise self._lost(repr(error)) from error
        self._under_way[future.key] = future, number, path
        future.add_done_callback(self._finished.put)

    def _take(self, future: Any, known: Known) -> Iterator[Done]:
        """The row of a file that is done, or failed to be."""
        _, number, path = self._under_way[future.key]
        if future.status == "finished":
            try:
                outcome = future.result(timeout=1)
            except Exception as error:
                if future.status == "finished" and not isinstance(error, TimeoutError):
                    raise _told(error, "A worker") from error
                # Its worker was lost with the row; Dask has the file judged again.
                future.add_done_callback(self._finished.put)
                return
        elif future.status == "error":
            cause = future.exception()
            if isinstance(cause, CancelledError):  # let go by a worker that had nothing to do
                del self._under_way[future.key]
                self._submit(number, path)
                return
            if not isinstance(cause, KilledWorker):
                raise _told(cause, "A worker")
            times = cause.allowed_failures + 1
            sentence = f"Not analysed: the workers that it was given to were lost, {times} times."
            outcome = Outcome(error_row(path, CrashedError(sentence, str(cause))))
        elif future.status == "pending":  # lost again in the meantime
            future.add_done_callback(self._finished.put)
            return
        else:
            raise self._lost(future.status)
        del self._under_way[future.key]
        yield Done(number, _here(outcome, path, known))

    def _look_around(self, stop: threading.Event) -> None:
        """Once a second: how many workers are there?"""
        now = time.monotonic()
        if now - self._looked < 1.0:
            return
        self._looked = now
        if jobs := sum(self._threads(stop).values()):
            self.jobs = jobs
            self._seen = now
        elif now - self._seen > _ALONE_SECONDS:
            raise ElascopeError(
                f"The scan cannot go on: for {_ALONE_SECONDS:g} s the Dask scheduler at "
                f"{self._scheduler} has had no workers."
            )

    def _threads(self, stop: threading.Event) -> Mapping[str, int]:
        """Threads of each worker, by address."""
        try:
            # While Dask tries to connect again it does not return.
            return _waited_for(self._client.nthreads, stop, _CONNECT_SECONDS + 2)
        except CancelledError:
            raise
        except Exception as error:
            raise self._lost(repr(error)) from error

    def _lost(self, detail: str) -> ElascopeError:
        return ElascopeError(
            f"The scan cannot go on: the Dask scheduler at {self._scheduler} was lost.", detail
        )


class _Call:
    """Pickled it is a call: to load it is to make that call and have its result."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._function, self._arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._function, self._arguments


def _call(
    function: Callable[..., object], *arguments: object
) -> tuple[Callable[[bytes], object], bytes]:
    """A function of ours with its arguments, as a task that any worker can load.

    A Dask worker that cannot load a task, for want of this program, ends without a word, and the
    task goes on to the next. This one fails in the worker's hands, and that can be told.
    """
    return pickle.loads, pickle.dumps(_Call(function, *arguments))


# On the workers ----------------------------------------------------------------------------------


def _admitted(session: Session) -> Admitted:
    name = distributed.get_worker().address
    return member_of(session, name).admit(session)


def _judged(session: Session, path: Path) -> Outcome:
    member = member_of(session, distributed.get_worker().address)
    # A worker may have joined since the start, or been started again.
    member.admit(session)
    return member.judge(path)


# Here --------------------------------------------------------------------------------------------


def _here(outcome: Outcome, path: Path, known: Known) -> Outcome:
    """The outcome under the path as found, and as a duplicate of what is known."""
    row = outcome.row
    before = known(row.sha256) if row.sha256 else None
    if before is not None:
        return replace(outcome, row=as_duplicate(before, path, row.modified_ns))
    return replace(outcome, row=replace(row, path=path, duplicate_of=None))


def _neighbours(threads: Mapping[str, int]) -> int:
    """Threads on the machine that has the most."""
    by_machine: Counter[str] = Counter()
    for address, count in threads.items():
        by_machine[address.rpartition(":")[0]] += count
    return max(by_machine.values())


def _with_providers(models: list[tuple[ModelFacts, ...]]) -> tuple[ModelFacts, ...]:
    """The models of the first worker, with the execution providers of all."""
    return tuple(
        replace(facts[0], provider=", ".join(sorted({one.provider for one in facts})))
        for facts in zip(*models, strict=True)
    )


def _told(error: BaseException, who: str) -> ElascopeError:
    """What a worker raised, as a sentence."""
    if isinstance(error, ElascopeError):
        return error
    return ElascopeError(
        f"{who} cannot do its part ({type(error).__name__}: {error}). Every machine needs the same "
        "version of the program, with elascope[cluster].",
        repr(error),
    )


def _waited_for(work: Callable[[], _T], stop: threading.Event, seconds: float) -> _T:
    """What ``work`` returns or raises; it may go on when it is waited for no longer.

    Raises:
        CancelledError: ``stop`` was set before.
        TimeoutError: it takes longer than ``seconds``.
    """
    results: queue.SimpleQueue[_T | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(work())
        except BaseException as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    end = time.monotonic() + seconds
    while not stop.is_set():
        if time.monotonic() > end:
            raise TimeoutError
        with contextlib.suppress(queue.Empty):
            result = results.get(timeout=_PATIENCE)
            if isinstance(result, BaseException):
                raise result
            return result
    raise CancelledError("Cancelled.")
