"""A worker of agent-graphql for Python 3.10 and later: one file, which needs nothing but the standard library.

A worker claims runs over GraphQL, executes each by the handler of its graph, and finishes it::

    import asyncio
    from agent_graphql_worker import Run, Worker

    async def support(run: Run) -> dict:
        await run.emit('TEXT_MESSAGE_CONTENT', {'delta': 'It is on its way.'})
        return {'answer': 'It is on its way.'}

    worker = Worker(url='http://localhost:4000/graphql', token='…', graphs={'support': support})
    asyncio.run(worker.run())

A handler is either

- an ``async def``, which is given a :class:`Run`. It runs in the event loop. When the run is cancelled, its lease is
  lost, or the worker stops, its task is cancelled (``asyncio.CancelledError``), and ``run.stop_reason`` says why;
- or a plain function, which is given a :class:`BlockingRun`, with the same methods, none of which is awaited. It runs in
  a thread of its own, and looks at ``run.should_stop`` from time to time.

What it returns, a JSON object or None, is the run's output. What it raises is the run's error: see :class:`RunFailure`.

Handlers are executed at least once: a worker can crash after a handler has done something, and before the server has
stored that. What a handler does must be safe to repeat.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import http.client
import inspect
import json
import math
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Coroutine, Dict, Generator, Literal, Mapping, NoReturn, Union

__all__ = [
    'BlockingRun',
    'Run',
    'RunFailure',
    'RunInterrupt',
    'RunStopped',
    'Worker',
    'WorkerError',
    'WorkerEvent',
]

JsonObject = Dict[str, Any]
StopReason = Literal['cancelled', 'lost', 'drain']

# Limits of the server.
_MAX_TYPE_LENGTH = 64
_MAX_MESSAGE_LENGTH = 4_096
_MAX_JSON_BYTES = 65_536
_MAX_PAYLOAD_BYTES = 524_288
_MAX_LEVELS = 32
_MAX_EVENTS_OF_CALL = 100
_MAX_CLAIMS_OF_CALL = 50
_MAX_LEASES_OF_CALL = 100
_MAX_GRAPHS = 100

# Events are gathered for this long, or up to this size, before they are sent.
_GATHER_SECONDS = 0.05
_GATHER_BYTES = 32_768
# `emit` waits while more than this is to be sent.
_MAX_BUFFERED_BYTES = 1_048_576

_CLAIM_WAIT_SECONDS = 10
# Runs that are shorter cost no heartbeat.
_FIRST_HEARTBEAT_SECONDS = 0.25
# New runs are added to the heartbeats at most this often.
_INCLUDE_SECONDS = 0.1
# A heartbeat that waits is answered at once while a run of it is to be cancelled: then it does not wait.
_CANCELLING_HEARTBEAT_SECONDS = 0.4
_REQUEST_TIMEOUT_SECONDS = 20.0
_MIN_PAUSE_SECONDS = 0.25
_MAX_PAUSE_SECONDS = 10.0
# Proxies close idle connections after a minute.
_MAX_IDLE_SECONDS = 30.0
_MAX_REQUESTS_AT_ONCE = 32
# How long handlers may take to end after they are stopped, and calls after that, when the worker stops.
_STOP_SECONDS = 1.0
_LAST_CALLS_SECONDS = 5.0


class RunFailure(Exception):
    """Raised by a handler: the run has failed.

    Any other exception fails the attempt with the code ``WORKER_ERROR``, and is tried again.

    :param message: for people, at most 4,096 characters
    :param code: for programs, at most 64 characters
    :param details: a JSON object of at most 64 KiB
    :param retry: whether the run is tried again, while it has attempts left. Default: False.
    :param retry_after_seconds: the earliest next attempt, with ``retry``. Default: 1, 2, 4 … 60, longer each time.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = 'WORKER_ERROR',
        details: JsonObject | None = None,
        retry: bool = False,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = details
        self.retry = retry
        self.retry_after_seconds = retry_after_seconds


class RunInterrupt(BaseException):
    """Raised by ``run.interrupt``: ends the handler. Not an ``Exception``, so that ``except Exception`` lets it pass."""


class RunStopped(Exception):
    """Raised by ``run.save`` where nothing of the run is stored any more."""


class WorkerError(Exception):
    """The server refused what the worker sent: its message says why."""


@dataclass(frozen=True)
class WorkerEvent:
    """Something that a worker reports.

    Kinds: ``claimed``, ``ended``, ``released``; ``lost`` (the run is another's, or has ended), ``dropped`` (the server
    refused events of the run), ``failed`` (the server refused the run's end); ``unavailable`` (the server, and calls are
    retried), ``available`` (again).
    """

    kind: str
    #: For people.
    message: str
    run_id: str | None = None
    attempt: int | None = None
    #: The run's status after ``ended``: RUNNING where it is tried again.
    status: str | None = None


def _print_event(event: WorkerEvent) -> None:
    print(event.message, flush=True)


class _Refused(WorkerError):
    """The server's `userErrors`."""

    def __init__(self, name: str, errors: list[JsonObject]) -> None:
        super().__init__(f'{name}: ' + ' '.join(str(error.get('message')) for error in errors))
        self.errors = errors

    @property
    def is_invalid(self) -> bool:
        return all(error.get('code') == 'INVALID' for error in self.errors)

    @property
    def fields(self) -> list[list[str]]:
        """The paths at fault, below `input`."""
        return [list(error.get('field') or [])[1:] for error in self.errors]


class _Unavailable(Exception):
    """The server is unavailable, or the connection failed."""

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _GivenUp(Exception):
    """The call was given up: its result is not needed any more."""


# --- JSON ------------------------------------------------------------------------------------------------------------


class _BadJson(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason
        #: Keys and indices, the innermost first.
        self.path: list[str] = []


def _encode(name: str, value: object, max_bytes: int) -> str:
    """The compact JSON of a JSON object that the server stores. Raises ValueError for any other."""
    if not isinstance(value, dict):
        raise ValueError(f'{name} must be a JSON object (a dict), not {type(value).__name__}.')
    try:
        _check_json(value, 1)
    except _BadJson as bad:
        path = '.'.join([name, *reversed(bad.path)])
        raise ValueError(f'{path if len(path) <= 200 else path[:200] + "…"} {bad.reason}') from None
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))
    if len(text.encode()) > max_bytes:
        raise ValueError(f'{name} is too large: at most {max_bytes // 1024} KiB of JSON are accepted.')
    return text


def _check_json(value: object, level: int) -> None:
    if isinstance(value, str):
        if not _is_storable(value):
            raise _BadJson('has U+0000 or a lone surrogate, which cannot be stored.')
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, (int, float)):
        if not abs(value) <= sys.float_info.max:
            raise _BadJson('is beyond the range of a double.')
    elif isinstance(value, dict):
        _check_level(level)
        for key, item in value.items():
            if not isinstance(key, str):
                raise _BadJson(f'has a key that is no string: {key!r}.')
            try:
                _check_json(key, level)
                _check_json(item, level + 1)
            except _BadJson as bad:
                bad.path.append(repr(key)[1:-1])
                raise
    elif isinstance(value, (list, tuple)):
        _check_level(level)
        for index, item in enumerate(value):
            try:
                _check_json(item, level + 1)
            except _BadJson as bad:
                bad.path.append(str(index))
                raise
    else:
        raise _BadJson(f'is of type {type(value).__name__}, which JSON does not have.')


def _check_level(level: int) -> None:
    # Also where a value contains itself.
    if level > _MAX_LEVELS:
        raise _BadJson(f'has more than {_MAX_LEVELS} levels.')


def _is_storable(text: str) -> bool:
    if '\0' in text:
        return False
    return text.isascii() or not any('\ud800' <= character <= '\udfff' for character in text)


def _storable(text: str, max_length: int) -> str:
    """Replaces the characters of a text that the server does not store."""
    return text.replace('\0', '').encode('utf-8', 'replace').decode()[:max_length]


def _object(**fields: str) -> str:
    """A JSON object of fields that are JSON already."""
    return '{' + ','.join(f'"{name}":{text}' for name, text in fields.items()) + '}'


# --- Calls -----------------------------------------------------------------------------------------------------------


class _Tokens:
    """The worker's token: fixed, or asked for anew when it was refused or is about to expire."""

    def __init__(self, source: Token) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = math.inf
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_fixed(self) -> bool:
        return isinstance(self._source, str)

    def get(self) -> str:
        """Blocks. Raises _Unavailable where the function fails."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._token = self._ask().strip()
                lifetime = _lifetime(self._token)
                self._renew_at = time.monotonic() + max(lifetime - 30, lifetime / 2)
            return self._token

    def refuse(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._token = None

    def _ask(self) -> str:
        if isinstance(self._source, str):
            return self._source
        try:
            answer = self._source()
            if isinstance(answer, str):
                return answer
            if self.loop is None:
                raise RuntimeError('The worker does not run.')
            return asyncio.run_coroutine_threadsafe(_awaited(answer), self.loop).result(_REQUEST_TIMEOUT_SECONDS)
        except Exception as error:
            raise _Unavailable(f'The token function failed: {_describe(error)}') from error


async def _awaited(answer: Awaitable[str]) -> str:
    return await answer


def _lifetime(token: str) -> float:
    """Seconds until a JWT expires, by this machine's clock; infinite where that is not known."""
    try:
        payload = token.split('.')[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + '=' * (-len(payload) % 4)))
        lifetime = float(claims['exp']) - time.time()
    except (ValueError, LookupError, TypeError):
        return math.inf
    # Where this machine's clock is wrong, the server refuses the token, and another one is fetched.
    return lifetime if lifetime > 0 else math.inf


class _Abort:
    """Lets another thread abort a waiting request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self.how: int | None = None

    def begin(self, sock: socket.socket | None) -> None:
        with self._lock:
            if self.how is not None:
                raise ConnectionAbortedError('The request was broken off.')
            self._sock = sock

    def end(self) -> None:
        with self._lock:
            self._sock = None

    def abort(self, how: int) -> None:
        """:param how: SHUT_RDWR, or SHUT_WR: the server hears of it, and what it has sent is still read."""
        with self._lock:
            self.how = how
            if self._sock is not None:
                try:
                    # Not that of an SSLSocket, which would not decrypt any more.
                    socket.socket.shutdown(self._sock, how)
                except OSError:
                    pass


class _Http:
    """Persistent connections to the server, for any number of threads."""

    def __init__(self, url: str, context: ssl.SSLContext | None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ('http', 'https') or not parts.hostname:
            raise ValueError(f'url must be an http or https URL, not {url!r}.')
        self._host = parts.hostname
        self._port = parts.port
        self._path = urllib.parse.urlunsplit(('', '', parts.path or '/', parts.query, ''))
        self._context = (context or ssl.create_default_context()) if parts.scheme == 'https' else None
        self._lock = threading.Lock()
        self._idle: list[tuple[http.client.HTTPConnection, float]] = []

    def post(
        self, body: bytes, token: str, abort: _Abort | None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Raises OSError or HTTPException. The request may have been done all the same."""
        connection = self._take()
        if connection is not None:
            try:
                return self._exchange(connection, body, token, abort)
            except (OSError, http.client.HTTPException):
                if abort is not None and abort.how is not None:
                    raise
                # The connection was idle for too long, as are the others. Every call is safe to repeat.
                self.close()
        return self._exchange(self._open(), body, token, abort)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            if self._idle and self._idle[-1][1] > time.monotonic() - _MAX_IDLE_SECONDS:
                return self._idle.pop()[0]
        self.close()
        return None

    def _open(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_REQUEST_TIMEOUT_SECONDS)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_REQUEST_TIMEOUT_SECONDS, context=self._context
        )

    def _exchange(
        self, connection: http.client.HTTPConnection, body: bytes, token: str, abort: _Abort | None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        headers = {
            'Content-Type': 'application/json',
            'Accept': 'application/json',
            'Authorization': f'Bearer {token}',
        }
        try:
            if connection.sock is None:
                connection.connect()
            if abort is not None:
                abort.begin(connection.sock)
            try:
                connection.request('POST', self._path, body, headers)
                response = connection.getresponse()
                content = response.read()
            finally:
                if abort is not None:
                    abort.end()
        except BaseException:
            connection.close()
            raise
        if response.will_close or (abort is not None and abort.how is not None):
            connection.close()
        else:
            with self._lock:
                self._idle.append((connection, time.monotonic()))
        return response.status, response.headers, content


class _Client:
    """Sends mutations, with retries while the server is unavailable. Blocks, and may be used by any thread."""

    def __init__(self, http_: _Http, tokens: _Tokens, report: Callable[[WorkerEvent], None]) -> None:
        self._http = http_
        self._tokens = tokens
        self._report = report
        self._lock = threading.Lock()
        self._is_available = True
        self._failed_at = -math.inf

    def call(
        self,
        name: str,
        selection: str,
        fields: str,
        stop: threading.Event,
        *,
        abort: _Abort | None = None,
        patient: bool = False,
    ) -> JsonObject:
        """Returns the payload of a mutation.

        :param fields: its input, as JSON
        :param stop: nobody needs the result any more
        :param patient: whether INTERNAL_SERVER_ERROR is retried too
        :raises _Refused: for what the server refuses
        :raises WorkerError: for other errors
        :raises _GivenUp: once ``stop`` is set
        """
        type_ = f'{name[0].upper()}{name[1:]}Input'
        query = f'mutation($input: {type_}!) {{ {name}(input: $input) {{ {selection} userErrors {{ code message field }} }} }}'
        body = _object(query=json.dumps(query), variables=_object(input=fields)).encode()
        pause = _MIN_PAUSE_SECONDS
        refused_tokens = 0
        while not stop.is_set():
            try:
                token = self._tokens.get()
                began = time.monotonic()
                status, result = self._post(body, token, abort, patient)
                if status != 401:
                    self._note_success(began)
                    return self._payload(name, status, result)
                message = _message_of(result)
                if self._tokens.is_fixed:
                    raise WorkerError(f'The server refuses the token: {message}')
                self._tokens.refuse(token)
                refused_tokens += 1
                if refused_tokens == 1:
                    continue
                raise _Unavailable(f'The server refuses the token: {message}')
            except _Unavailable as error:
                if abort is not None and abort.how is not None:
                    break
                self._note_failure(str(error))
                stop.wait(max(pause * (0.5 + random.random()), error.retry_after))
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)
        raise _GivenUp

    def _post(
        self, body: bytes, token: str, abort: _Abort | None, patient: bool
    ) -> tuple[int, JsonObject]:
        try:
            status, headers, content = self._http.post(body, token, abort)
        except (OSError, http.client.HTTPException) as error:
            raise _Unavailable(f'The server cannot be reached: {_describe(error)}') from error
        try:
            result = json.loads(content)
        except ValueError:
            result = None
        is_response = isinstance(result, dict) and ('data' in result or 'errors' in result)
        if not is_response and status == 413:
            raise WorkerError('HTTP 413: a proxy before the server refuses the size of the request.')
        if not is_response:
            # It comes from a proxy or from something else at this address.
            result = {}
        if not is_response or status >= 500 or status in (408, 429):
            raise _Unavailable(f'HTTP {status}: {_message_of(result)}', _retry_after(headers))
        codes = [(error.get('extensions') or {}).get('code') for error in result.get('errors') or []]
        if 'SERVICE_UNAVAILABLE' in codes or (patient and 'INTERNAL_SERVER_ERROR' in codes):
            raise _Unavailable(_message_of(result))
        return status, result

    def _payload(self, name: str, status: int, result: JsonObject) -> JsonObject:
        payload = (result.get('data') or {}).get(name)
        if not isinstance(payload, dict):
            raise WorkerError(f'{name}: HTTP {status}: {_message_of(result)}')
        errors = payload.get('userErrors') or []
        if errors:
            raise _Refused(name, errors)
        return payload

    def _note_failure(self, problem: str) -> None:
        """Reports the first one."""
        with self._lock:
            self._failed_at = time.monotonic()
            was_available, self._is_available = self._is_available, False
        if was_available:
            self._report(WorkerEvent('unavailable', f'The server is unavailable, retrying: {problem}'))

    def _note_success(self, began: float) -> None:
        """Reports the end of all failures; a call that began before the last one says nothing of it."""
        with self._lock:
            if self._is_available or began < self._failed_at:
                return
            self._is_available = True
        self._report(WorkerEvent('available', 'The server is available again.'))


def _message_of(result: JsonObject) -> str:
    errors = result.get('errors') or [{}]
    return str(errors[0].get('message', 'no GraphQL response'))[:1_000]


def _retry_after(headers: http.client.HTTPMessage) -> float:
    value = headers.get('Retry-After', '')
    return min(float(value), 60.0) if value.isdigit() else 0.0


def _describe(error: BaseException) -> str:
    message = str(error)
    return f'{type(error).__name__}: {message}' if message else type(error).__name__


# --- Runs ------------------------------------------------------------------------------------------------------------


class _RunBase:
    """The argument of a handler: the run, its thread's state, and its assistant's settings."""

    def __init__(self, attempt: _Attempt) -> None:
        claim = attempt.claim
        self._attempt = attempt
        self.id: str = claim['runId']
        self.thread_id: str = claim['threadId']
        self.assistant_id: str = claim['assistantId']
        self.assistant_version: int = claim['assistantVersion']
        self.graph_id: str = claim['graphId']
        self.owner: str = claim['owner']
        #: 1 for the first attempt.
        self.attempt: int = claim['attempt']
        self.input: JsonObject | None = claim['input']
        #: The thread's state.
        self.values: JsonObject | None = claim['values']
        #: What the attempt before this one saved last.
        self.checkpoint: JsonObject | None = claim['checkpoint']
        self.config: JsonObject = claim['config']
        self.context: JsonObject = claim['context']
        self.metadata: JsonObject = claim['metadata']
        #: The interrupted run that this one answers.
        self.resumes: str | None = claim['resumes']
        #: Seconds from the claim until the run times out.
        self.seconds_left: int | None = claim['secondsLeft']
        #: The W3C trace context of the request that created the run.
        self.traceparent: str | None = claim['traceparent']

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the handler is to stop; None while it may go on."""
        return self._attempt.stop_reason

    @property
    def should_stop(self) -> bool:
        """Whether the handler is to stop."""
        return self._attempt.stop_reason is not None

    @property
    def cancelled(self) -> bool:
        """Whether the run is to be cancelled."""
        return self._attempt.stop_reason == 'cancelled'

    @property
    def cancel_action(self) -> Literal['INTERRUPT', 'ROLLBACK'] | None:
        """What becomes of the checkpoint of a run that is cancelled."""
        return self._attempt.cancel_action

    def interrupt(self, question: JsonObject, output: JsonObject | None = None) -> NoReturn:
        """Ends the run with INTERRUPTED, to ask a person. The answer is the input of another run, which ``resumes`` it.

        :param question: a JSON object of at most 64 KiB
        :param output: the thread's values from now on. Default: what was saved last.
        """
        text = _encode('question', question, _MAX_JSON_BYTES)
        state = None if output is None else _encode('output', output, _MAX_PAYLOAD_BYTES)
        self._attempt.question = (text, state)
        raise RunInterrupt


class Run(_RunBase):
    """A run, for a handler that is an ``async def``."""

    def emit(self, type: str, data: JsonObject | None = None) -> Awaitable[None]:
        """Sends an event. Events are gathered for a moment, and stored in order, each once.

        Await it: that takes time only while much is to be sent.

        :param type: 1 to 64 characters; AG-UI's names are recommended
        :param data: a JSON object of at most 64 KiB. Default: ``{}``.
        :raises ValueError: at once, for what can never be stored
        """
        text = _encode_event(type, data)
        if threading.get_ident() != self._attempt.loop_thread:
            raise RuntimeError('emit must be called in the event loop: see loop.call_soon_threadsafe.')
        self._attempt.add_event(text)
        return self._attempt.room()

    async def save(self, values: JsonObject) -> None:
        """Saves a checkpoint, after the events that were emitted before. Returns once it is stored.

        :param values: a JSON object of at most 512 KiB, which the next attempt is given as ``checkpoint``
        :raises ValueError: for what cannot be stored
        :raises RunStopped: where the lease is lost
        """
        text = _encode('values', values, _MAX_PAYLOAD_BYTES)
        # Also where the handler is cancelled meanwhile.
        await asyncio.shield(self._attempt.spawn(self._attempt.save(text)))


class BlockingRun(_RunBase):
    """A run, for a handler that is a plain function. See :class:`Run`."""

    def emit(self, type: str, data: JsonObject | None = None) -> None:
        """Sends an event. Blocks while much is to be sent."""
        text = _encode_event(type, data)
        try:
            self._attempt.loop.call_soon_threadsafe(self._attempt.add_event, text)
            if self._attempt.buffered_bytes > _MAX_BUFFERED_BYTES:
                self._wait(self._attempt.wait_for_room())
        except RuntimeError:
            # The event loop is closed: the worker has stopped.
            pass

    def save(self, values: JsonObject) -> None:
        """Saves a checkpoint. Blocks until it is stored."""
        self._wait(self._attempt.save(_encode('values', values, _MAX_PAYLOAD_BYTES)))

    def wait_for_stop(self, seconds: float) -> bool:
        """Sleeps, at most until the run is to be stopped. Returns whether it is."""
        return self._attempt.stopped.wait(seconds)

    def _wait(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._attempt.loop)
        except RuntimeError as error:
            coroutine.close()
            raise RunStopped('The worker has stopped.') from error
        future.result()


def _encode_event(type_: str, data: JsonObject | None) -> str:
    if not isinstance(type_, str) or not type_.strip() or len(type_) > _MAX_TYPE_LENGTH or not _is_storable(type_):
        raise ValueError(f'The type of an event has 1 to {_MAX_TYPE_LENGTH} characters.')
    text = _encode('data', {} if data is None else data, _MAX_JSON_BYTES)
    return _object(type=json.dumps(type_), data=text)


class _Done:
    """An awaitable that is done."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_DONE = _Done()


class _Attempt:
    """A claimed run: sends its events and its end, in order. All but ``on_lease_state`` and ``stop`` belong to the event loop."""

    def __init__(self, worker: Worker, claim: JsonObject) -> None:
        self._worker = worker
        self.claim = claim
        self.lease: str = json.dumps(claim['lease'])
        self.loop = asyncio.get_running_loop()
        self.loop_thread = threading.get_ident()
        self.heartbeat_at = time.monotonic() + _FIRST_HEARTBEAT_SECONDS
        self.question: tuple[str, str | None] | None = None
        self.stop_reason: StopReason | None = None
        self.cancel_action: Literal['INTERRUPT', 'ROLLBACK'] | None = None
        #: Set with `stop_reason`.
        self.stopped = threading.Event()
        #: Nothing more is sent: the lease is lost, the run has ended, or the worker has.
        self.is_over = threading.Event()
        #: Its end is being sent; the response contains the status of the run.
        self._is_ending = False
        self._lock = asyncio.Lock()
        self._stop_lock = threading.Lock()
        self._handler: asyncio.Future[Any] | None = None
        self._failure: WorkerError | None = None
        self._events: deque[str] = deque()
        self.buffered_bytes = 0
        self._stored = 0
        self._drops = False
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._sender: asyncio.Task[None] | None = None

    # How it is executed

    async def execute(self, handler: Handler) -> None:
        """Executes the run, and sends its end unless it is stopped otherwise."""
        # The type of a handler does not show whether it is an async one.
        function: Callable[[Any], Any] = handler
        executed: asyncio.Future[Any]
        if _is_async(handler):
            executed = asyncio.ensure_future(function(Run(self)))
        else:
            executed = _in_thread(function, BlockingRun(self))
        self._handler = executed
        if self.stop_reason is not None:
            self._cancel_handler()
        await asyncio.wait({executed})
        if self.stop_reason in ('lost', 'drain'):
            _ignore(executed)
            return
        end = self._end(executed)
        try:
            async with self._lock:
                await self._send_events(self._stored + len(self._events))
                if self._failure is not None and self.stop_reason != 'cancelled':
                    end = _error('WORKER_ERROR', str(self._failure), retry=False)
                await self._finish(end)
        except _GivenUp:
            pass
        except WorkerError as error:
            self._report('failed', f'its end was refused: {error}')
        finally:
            self.is_over.set()

    def _end(self, handler: asyncio.Future[Any]) -> dict[str, str]:
        """The input of finishRun."""
        if self.stop_reason == 'cancelled':
            _ignore(handler)
            return {'status': '"CANCELLED"'}
        if self.question is not None:
            _ignore(handler)
            question, state = self.question
            return {'status': '"INTERRUPTED"', 'interrupt': question, 'output': state or 'null'}
        if handler.cancelled():
            return _error('WORKER_ERROR', 'The handler was cancelled.', retry=True)
        error = handler.exception()
        if error is not None:
            return _end_of(error)
        output = handler.result()
        if output is None:
            return {'status': '"SUCCESS"'}
        try:
            return {'status': '"SUCCESS"', 'output': _encode('output', output, _MAX_PAYLOAD_BYTES)}
        except ValueError as refusal:
            return _error('INVALID_OUTPUT', str(refusal), retry=False)

    async def _finish(self, end: dict[str, str]) -> None:
        self._is_ending = True
        try:
            result = await self._call('finishRun', 'accepted status', **end)
        except _Refused as refusal:
            code = 'INVALID_OUTPUT' if ['output'] in refusal.fields else 'WORKER_ERROR'
            result = await self._call('finishRun', 'accepted status', **_error(code, str(refusal), retry=False))
        if result['accepted']:
            status = str(result['status'])
            self._report('ended', status, status)
        else:
            self._set_stopped('lost', None)
            self._report('lost', 'it has ended, or is not held any more')

    # How it is stopped

    def on_lease_state(self, state: JsonObject) -> None:
        """Handles the state of the lease in a response of the server. From any thread."""
        if self._is_ending:
            return
        if not state['held']:
            self.stop('lost')
        elif state['cancel'] is not None:
            self.stop('cancelled', state['cancel'])

    def stop(self, reason: StopReason, action: Literal['INTERRUPT', 'ROLLBACK'] | None = None) -> None:
        """Stops the handler. From any thread: `should_stop` changes even while the event loop is blocked."""
        if self._set_stopped(reason, action):
            try:
                self.loop.call_soon_threadsafe(self._on_stop)
            except RuntimeError:
                # The event loop is closed.
                pass

    def _set_stopped(
        self, reason: StopReason, action: Literal['INTERRUPT', 'ROLLBACK'] | None
    ) -> bool:
        """Returns whether it was not stopped before."""
        with self._stop_lock:
            self.cancel_action = action or self.cancel_action
            if self.stop_reason == 'lost' or self.stop_reason == reason:
                return False
            # A cancellation is not taken back by the worker's end.
            if not (self.stop_reason == 'cancelled' and reason == 'drain'):
                self.stop_reason = reason
            if reason == 'lost':
                self.is_over.set()
            self.stopped.set()
            return True

    def _on_stop(self) -> None:
        if self.is_over.is_set():
            self._drop_events()
            if self.stop_reason == 'lost':
                self._report('lost', 'it has ended, or is not held any more')
        self._has_room.set()
        self._cancel_handler()

    def _cancel_handler(self) -> None:
        if isinstance(self._handler, asyncio.Task):
            self._handler.cancel()

    # What it sends

    def add_event(self, text: str) -> None:
        if self._drops or self.is_over.is_set():
            return
        self._events.append(text)
        self.buffered_bytes += len(text.encode())
        if self.buffered_bytes > _MAX_BUFFERED_BYTES and not self.stopped.is_set():
            self._has_room.clear()
        if self._is_batch():
            self._send_now()
        elif self._timer is None:
            self._timer = self.loop.call_later(_GATHER_SECONDS, self._send_now)

    def room(self) -> Awaitable[None]:
        if self._has_room.is_set():
            return _DONE
        return self.wait_for_room()

    async def wait_for_room(self) -> None:
        await self._has_room.wait()

    async def save(self, text: str) -> None:
        async with self._lock:
            await self._send_events(self._stored + len(self._events))
            if self.stop_reason == 'lost' or self._is_ending:
                raise RunStopped('The run has ended, or is not held any more.')
            try:
                result = await self._call('checkpointRun', _LEASE, values=text)
            except _Refused as refusal:
                raise ValueError(str(refusal)) from refusal
            except _GivenUp as error:
                raise RunStopped('The run has ended, or is not held any more.') from error
            self.on_lease_state(result['lease'])
            if not result['lease']['held']:
                raise RunStopped('The run has ended, or is not held any more.')

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._worker._spawn(coroutine)

    def _is_batch(self) -> bool:
        return self.buffered_bytes >= _GATHER_BYTES or len(self._events) >= _MAX_EVENTS_OF_CALL

    def _send_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sender is None or self._sender.done():
            self._sender = self.spawn(self._send_batches())

    async def _send_batches(self) -> None:
        async with self._lock:
            await self._send_events(self._stored + len(self._events))
        # Events that were added meanwhile are sent in the next batch.
        self._sender = None
        if self._events:
            if self._is_batch():
                self._send_now()
            elif self._timer is None:
                self._timer = self.loop.call_later(_GATHER_SECONDS, self._send_now)

    async def _send_events(self, target: int) -> None:
        """Sends events until as many are stored as that, or no more can be. Needs the lock."""
        while self._events and self._stored < target and not self.is_over.is_set():
            batch = self._batch()
            try:
                result = await self._call(
                    'appendRunEvents', _LEASE, offset=str(self._stored), events=f'[{",".join(batch)}]'
                )
            except _Refused as refusal:
                self._refuse_events(refusal, batch)
                target = self._stored + len(self._events)
                continue
            except _GivenUp:
                return
            except WorkerError as error:
                self._fail(error)
                return
            self.on_lease_state(result['lease'])
            if not result['lease']['held']:
                return
            self._stored += len(batch)
            self._remove(range(len(batch)))

    def _batch(self) -> list[str]:
        batch: list[str] = []
        size = 0
        for text in self._events:
            size += len(text.encode())
            if batch and (size > _MAX_PAYLOAD_BYTES or len(batch) == _MAX_EVENTS_OF_CALL):
                break
            batch.append(text)
        return batch

    def _refuse_events(self, refusal: _Refused, batch: list[str]) -> None:
        """Drops the events at fault, or all from now on."""
        if not refusal.is_invalid:
            self._fail(refusal)
            return
        if not self._drops:
            self._report('dropped', f'events are dropped: {refusal}')
        indices = {int(path[1]) for path in refusal.fields if len(path) > 1 and path[1].isdigit()}
        if indices and max(indices) < len(batch):
            self._remove(indices)
        else:
            self._drops = True
            self._drop_events()

    def _remove(self, indices: range | set[int]) -> None:
        """Removes events that are the first ones to be sent."""
        first = [self._events.popleft() for _ in range(max(indices) + 1)]
        for index in reversed(range(len(first))):
            if index in indices:
                self.buffered_bytes -= len(first[index].encode())
            else:
                self._events.appendleft(first[index])
        if self.buffered_bytes <= _MAX_BUFFERED_BYTES:
            self._has_room.set()

    def _drop_events(self) -> None:
        self._events.clear()
        self.buffered_bytes = 0
        self._has_room.set()

    def _fail(self, error: WorkerError) -> None:
        """Stops the handler, and drops its events: the server refuses the calls of the run."""
        self._failure = error
        self._drops = True
        self._drop_events()
        self._cancel_handler()

    async def _call(self, name: str, selection: str, **fields: str) -> JsonObject:
        return await self._worker._call(name, selection, _object(lease=self.lease, **fields), self.is_over)

    def _report(self, kind: str, message: str, status: str | None = None) -> None:
        self._worker._report_run(kind, self.claim, message, status)


_LEASE = 'lease { lease held cancel }'


def _is_async(handler: Handler) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, '__call__', None))


def _in_thread(function: Callable[[Any], Any], run: BlockingRun) -> asyncio.Future[Any]:
    """Calls a handler in a thread of its own, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        elif isinstance(error, StopIteration):
            future.set_exception(RuntimeError('The handler raised StopIteration.'))
        else:
            future.set_exception(error)

    def target() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = contextvars.copy_context().run(function, run)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            # The worker has stopped.
            pass

    threading.Thread(target=target, name=f'run {run.id}', daemon=True).start()
    return future


def _ignore(handler: asyncio.Future[Any]) -> None:
    """Takes the exception of a handler, which asyncio would report otherwise."""
    if not handler.cancelled():
        handler.exception()


def _end_of(error: BaseException) -> dict[str, str]:
    """The end of an attempt whose handler has raised an exception."""
    if not isinstance(error, RunFailure):
        return _error('WORKER_ERROR', _describe(error), retry=True)
    details = error.details
    if details is not None:
        try:
            _encode('details', details, _MAX_JSON_BYTES)
        except ValueError as refusal:
            details = {'refused': str(refusal)}
    code = _storable(str(error.code), 64)
    return _error(
        code if code.strip() else 'WORKER_ERROR',
        str(error.message),
        details,
        bool(error.retry),
        error.retry_after_seconds,
    )


def _error(
    code: str,
    message: str,
    details: JsonObject | None = None,
    retry: bool = False,
    retry_after_seconds: int | None = None,
) -> dict[str, str]:
    reason = {'code': code, 'message': _storable(message, _MAX_MESSAGE_LENGTH), 'details': details}
    end = {'status': '"ERROR"', 'error': json.dumps(reason), 'retry': json.dumps(retry)}
    if retry and retry_after_seconds is not None:
        end['retryAfterSeconds'] = str(min(max(math.ceil(retry_after_seconds), 0), 2_592_000))
    return end


# --- Heartbeats ------------------------------------------------------------------------------------------------------


class _Heartbeats:
    """Renews leases from threads of its own, so that a handler that blocks the event loop keeps its lease."""

    def __init__(self, client: _Client, lease_seconds: int, on_error: Callable[[WorkerError], None]) -> None:
        self._client = client
        self._lease_seconds = lease_seconds
        self._on_error = on_error
        self._condition = threading.Condition()
        #: By the time of their first heartbeat.
        self._new: deque[_Attempt] = deque()
        self._groups: list[_HeartbeatGroup] = []
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._include, name='agent-graphql heartbeats', daemon=True)
        self._thread.start()

    def add(self, attempt: _Attempt) -> None:
        with self._condition:
            self._new.append(attempt)
            if len(self._new) == 1:
                self._condition.notify()

    def close(self) -> None:
        self.stop.set()
        with self._condition:
            self._condition.notify()
            groups = list(self._groups)
        for group in groups:
            group.wake()

    def _include(self) -> None:
        """Adds each run that is old enough for a heartbeat to a group."""
        while not self.stop.is_set():
            with self._condition:
                while self._new and self._new[0].is_over.is_set():
                    self._new.popleft()
                now = time.monotonic()
                if not self._new or self._new[0].heartbeat_at > now:
                    self._condition.wait(self._new[0].heartbeat_at - now if self._new else None)
                    continue
                due: list[_Attempt] = []
                while self._new and self._new[0].heartbeat_at <= now:
                    due.append(self._new.popleft())
            for attempt in due:
                if not any(group.add(attempt) for group in self._groups):
                    group = _HeartbeatGroup(self._client, self._lease_seconds, self.stop, self._on_error)
                    group.add(attempt)
                    self._groups.append(group)
            # Each time, calls that wait are sent anew.
            self.stop.wait(_INCLUDE_SECONDS)


class _HeartbeatGroup:
    """The runs of one heartbeat call, at most as many as the server accepts."""

    def __init__(
        self, client: _Client, lease_seconds: int, stop: threading.Event, on_error: Callable[[WorkerError], None]
    ) -> None:
        self._client = client
        self._lease_seconds = lease_seconds
        # A run of a worker that was killed waits for both.
        self._wait_seconds = min(10, lease_seconds // 2)
        self._stop = stop
        self._on_error = on_error
        self._condition = threading.Condition()
        self._attempts: dict[str, _Attempt] = {}
        self._abort: _Abort | None = None
        threading.Thread(target=self._work, name='agent-graphql heartbeat', daemon=True).start()

    def add(self, attempt: _Attempt) -> bool:
        """Returns False where the group is full."""
        with self._condition:
            self._remove_ended()
            if len(self._attempts) >= _MAX_LEASES_OF_CALL:
                return False
            self._attempts[attempt.claim['lease']] = attempt
        self.wake()
        return True

    def wake(self) -> None:
        with self._condition:
            # The call that waits does not know of the change.
            if self._abort is not None:
                self._abort.abort(socket.SHUT_RDWR)
            self._condition.notify()

    def _remove_ended(self) -> None:
        for lease in [lease for lease, attempt in self._attempts.items() if attempt.is_over.is_set()]:
            del self._attempts[lease]

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._condition:
                self._remove_ended()
                if not self._attempts:
                    self._condition.wait()
                    continue
                attempts = dict(self._attempts)
                is_cancelling = any(attempt.stop_reason == 'cancelled' for attempt in attempts.values())
                abort = self._abort = _Abort()
            try:
                states = self._beat(list(attempts), 0 if is_cancelling else self._wait_seconds, abort)
            except _GivenUp:
                states = []
            except WorkerError as error:
                self._on_error(error)
                return
            finally:
                with self._condition:
                    self._abort = None
            for state in states:
                attempts[state['lease']].on_lease_state(state)
            with self._condition:
                # Its end is being sent, or it is lost: the next call would be answered at once.
                for state in states:
                    if not state['held']:
                        self._attempts.pop(state['lease'], None)
            if is_cancelling and states:
                with self._condition:
                    self._condition.wait(_CANCELLING_HEARTBEAT_SECONDS)

    def _beat(self, leases: list[str], wait_seconds: int, abort: _Abort) -> list[JsonObject]:
        fields = {'leases': leases, 'leaseSeconds': self._lease_seconds, 'waitSeconds': wait_seconds}
        selection = 'leases { lease held cancel }'
        payload = self._client.call(
            'heartbeatRuns', selection, json.dumps(fields), self._stop, abort=abort, patient=True
        )
        return list(payload['leases'])


# --- The worker ------------------------------------------------------------------------------------------------------

Token = Union[str, Callable[[], Union[str, Awaitable[str]]]]
Handler = Union[
    Callable[[Run], Coroutine[Any, Any, Union[JsonObject, None]]],
    Callable[[BlockingRun], Union[JsonObject, None]],
]

_CLAIM = (
    'claims { lease owner runId threadId assistantId assistantVersion graphId attempt config context input values '
    'checkpoint resumes metadata secondsLeft traceparent }'
)


class Worker:
    """Executes runs until it is stopped.

    :param url: where the server is, such as ``http://localhost:4000/graphql``
    :param token: a fixed token, or a function that returns one (an ``async def`` too). The function is called in a
        thread, and again when its token has been refused or is about to expire.
    :param graphs: the handler of each graph
    :param concurrency: how many runs are executed at once: 1 to 1,000
    :param name: shown as the ``worker`` of runs. Default: the host's name and the process id.
    :param lease_seconds: how long a lease lasts without a heartbeat: 5 to 300. A run waits that long for another worker
        when this one is killed.
    :param drain_seconds: how long running handlers may go on when the worker stops. Then their runs are released.
    :param signals: whether SIGTERM and SIGINT stop the worker
    :param on_event: called in the event loop with each :class:`WorkerEvent`, for your log. Default: prints it.
    :param ssl_context: for https. Default: ``ssl.create_default_context()``.
    """

    def __init__(
        self,
        *,
        url: str,
        token: Token,
        graphs: Mapping[str, Handler],
        concurrency: int = 10,
        name: str | None = None,
        lease_seconds: int = 30,
        drain_seconds: float = 20,
        signals: bool = True,
        on_event: Callable[[WorkerEvent], None] = _print_event,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        _check_range('concurrency', concurrency, 1, 1_000)
        _check_range('lease_seconds', lease_seconds, 5, 300)
        _check_range('drain_seconds', drain_seconds, 0, 86_400)
        _check_range('The number of graphs', len(graphs), 1, _MAX_GRAPHS)
        self._graphs = dict(graphs)
        self._concurrency = concurrency
        self._name = name or f'{socket.gethostname()}-{os.getpid()}'
        self._lease_seconds = lease_seconds
        self._drain_seconds = drain_seconds
        self._signals = signals
        self._on_event = on_event
        self._http = _Http(url, ssl_context)
        self._tokens = _Tokens(token)
        self._client = _Client(self._http, self._tokens, self._report)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = threading.Event()
        self._is_impatient = False
        self._error: WorkerError | None = None
        self._running: dict[asyncio.Task[None], _Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._claim_abort = _Abort()

    async def run(self) -> None:
        """Claims runs and executes them until the worker is stopped.

        :raises WorkerError: where the server refuses the token, or the claims
        """
        if self._loop is not None:
            raise RuntimeError('A worker runs once.')
        self._loop = self._tokens.loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._calls = ThreadPoolExecutor(min(self._concurrency + 1, _MAX_REQUESTS_AT_ONCE), 'agent-graphql call')
        self._claims = ThreadPoolExecutor(1, 'agent-graphql claim')
        self._heartbeats = _Heartbeats(self._client, self._lease_seconds, self._fail)
        restore = self._handle_signals() if self._signals else None
        try:
            await self._work()
        except asyncio.CancelledError:
            self._is_impatient = True
            raise
        finally:
            self._begin_drain()
            try:
                await self._drain()
            finally:
                self._close()
                if restore is not None:
                    restore()
        if self._error is not None:
            raise self._error

    def drain(self) -> None:
        """Stops the worker: it claims no more runs, and ``run()`` returns once those that it executes have ended, or,
        after ``drain_seconds``, are released. Called once more, it releases them at once. From any thread."""
        if self._loop is None:
            self._draining.set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_signal)

    # Claims

    async def _work(self) -> None:
        while not self._draining.is_set():
            free = self._concurrency - len(self._running)
            if free == 0:
                self._changed.clear()
                await self._changed.wait()
                continue
            # An answer is never forgotten, also where this is cancelled.
            claiming = asyncio.ensure_future(self._claim(min(free, _MAX_CLAIMS_OF_CALL)))
            try:
                claims = await asyncio.shield(claiming)
            except asyncio.CancelledError:
                self._begin_drain()
                await self._release(await claiming)
                raise
            if self._draining.is_set():
                await self._release(claims)
                return
            for claim in claims:
                self._start(claim)

    async def _claim(self, most: int) -> list[JsonObject]:
        fields = {
            'worker': self._name,
            'graphIds': list(self._graphs),
            'max': most,
            'waitSeconds': _CLAIM_WAIT_SECONDS,
            'leaseSeconds': self._lease_seconds,
        }

        def claim() -> JsonObject:
            return self._client.call(
                'claimRuns', _CLAIM, json.dumps(fields), self._draining, abort=self._claim_abort, patient=True
            )

        try:
            payload = await asyncio.get_running_loop().run_in_executor(self._claims, claim)
        except _GivenUp:
            return []
        except WorkerError as error:
            self._fail(error)
            return []
        return list(payload['claims'])

    def _start(self, claim: JsonObject) -> None:
        attempt = _Attempt(self, claim)
        self._report_run('claimed', claim, f'of the graph {claim["graphId"]}')
        self._heartbeats.add(attempt)
        task = asyncio.ensure_future(attempt.execute(self._graphs[claim['graphId']]))
        self._running[task] = attempt
        task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        attempt = self._running.pop(task)
        if attempt.stop_reason != 'drain':
            attempt.is_over.set()
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            attempt._report('failed', _describe(task.exception() or Exception()))

    # The end

    def _begin_drain(self) -> None:
        self._draining.set()
        self._claim_abort.abort(socket.SHUT_WR)
        if self._loop is not None:
            self._changed.set()

    def _on_signal(self) -> None:
        if self._draining.is_set():
            self._is_impatient = True
        self._begin_drain()

    def _fail(self, error: WorkerError) -> None:
        """Stops the worker. From any thread."""

        def fail() -> None:
            self._error = self._error or error
            self._begin_drain()

        if self._loop is not None:
            self._loop.call_soon_threadsafe(fail)
        # No run is claimed before the event loop has handled this.
        self._draining.set()

    async def _drain(self) -> None:
        deadline = time.monotonic() + self._drain_seconds
        while self._running and not self._is_impatient and time.monotonic() < deadline:
            self._changed.clear()
            await _wait_for(self._changed, deadline - time.monotonic())
        attempts = list(self._running.values())
        for attempt in attempts:
            attempt.stop('drain')
        if self._running:
            await asyncio.wait(self._running, timeout=_STOP_SECONDS)
        await self._release([attempt.claim for attempt in attempts if not attempt.is_over.is_set()])
        for attempt in attempts:
            attempt.is_over.set()

    async def _release(self, claims: list[JsonObject]) -> None:
        """Returns runs to the queue, where the server can be reached: leases end by themselves."""
        too_late = threading.Event()
        timer = asyncio.get_running_loop().call_later(_LAST_CALLS_SECONDS, too_late.set)
        try:
            for start in range(0, len(claims), _MAX_LEASES_OF_CALL):
                some = claims[start : start + _MAX_LEASES_OF_CALL]
                fields = json.dumps({'leases': [claim['lease'] for claim in some]})
                await self._call('releaseRuns', 'leases { held }', fields, too_late)
                for claim in some:
                    self._report_run('released', claim, 'for another worker')
        except (_GivenUp, WorkerError):
            pass
        finally:
            timer.cancel()

    def _close(self) -> None:
        self._heartbeats.close()
        for pool in (self._calls, self._claims):
            pool.shutdown(wait=False)
        self._http.close()

    def _handle_signals(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        names = (signal.SIGTERM, signal.SIGINT)
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        try:
            for name in names:
                loop.add_signal_handler(name, self._on_signal)
        except NotImplementedError:
            # Windows.
            before = [
                signal.signal(name, lambda *_: loop.call_soon_threadsafe(self._on_signal)) for name in names
            ]

            def restore() -> None:
                for name, handler in zip(names, before):
                    signal.signal(name, handler)

            return restore

        def remove() -> None:
            for name in names:
                loop.remove_signal_handler(name)

        return remove

    # Calls and reports

    async def _call(self, name: str, selection: str, fields: str, stop: threading.Event) -> JsonObject:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, self._client.call, name, selection, fields, stop)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        # Its caller gets the exception.
        _ignore(task)

    def _report_run(self, kind: str, claim: JsonObject, message: str, status: str | None = None) -> None:
        text = f'run {claim["runId"]}, attempt {claim["attempt"]}: {kind}: {message}'
        self._report(WorkerEvent(kind, text, claim['runId'], claim['attempt'], status))

    def _report(self, event: WorkerEvent) -> None:
        """From any thread."""
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._on_event, event)
            except RuntimeError:
                # The event loop is closed.
                pass


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Waits for an event, at most this many seconds."""
    try:
        await asyncio.wait_for(event.wait(), max(seconds, 0))
    except asyncio.TimeoutError:
        pass


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f'{name} must be {least} to {most}, not {value}.')
