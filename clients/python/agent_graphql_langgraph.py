"""LangGraph graphs as handlers of agent_graphql_worker. Needs langgraph 1.2 or later::

    from agent_graphql_langgraph import langgraph_handler

    worker = Worker(url=…, token=…, graphs={'support': langgraph_handler(builder.compile())})

The graph is compiled without a checkpointer: its checkpoints are the run's and the thread's values, so that the next
attempt, the answer to a question and the next run go on from there, at any worker.

Input
    A run's ``input`` is the graph's input. A run that ``resumes`` an interrupted one is the answer: its ``input`` is what
    ``interrupt()`` returns, or, where it has no key but ``resume``, the value of that. With several questions
    ``{"resume": {<id of the interrupt>: <answer>}}`` answers each.

Values
    Checkpoints and outputs, and so the thread's values, are the values of the graph's state as JSON (messages as their
    fields), and one reserved key, from which the graph is resumed::

        "__langgraph": {
          "format": 1,
          "runtime": "python",
          "namespaces": {
            "<checkpoint_ns, empty for the graph itself>": {
              "id": "<checkpoint_id>",
              "checkpoint": ["<type>", "<base64>"],
              "metadata": ["<type>", "<base64>"],
              "writes": [["<task id>", <index>, "<channel>", "<type>", "<base64>", "<task path>"], …]
            }
          }
        }

    ``["<type>", "<base64>"]`` is what the serializer's ``dumps_typed`` returns. Only the last checkpoint of each namespace
    is kept. All of it has 512 KiB at most. Where the thread's values have no such key (another handler has left them),
    the graph begins anew, with those values beneath the run's input.

Questions
    The value of ``interrupt()`` where it is a JSON object, else ``{"value": …}``; of several
    ``{"interrupts": [{"id": …, "value": …}, …]}``. A stop before a node (``interrupt_before``) is ``{"next": [names]}``.

Events, by AG-UI's names
    ``STEP_STARTED`` and ``STEP_FINISHED`` (``stepName``: the node, below its subgraphs' nodes: ``research/search``);
    ``TEXT_MESSAGE_START``, ``TEXT_MESSAGE_CONTENT`` and ``TEXT_MESSAGE_END``; ``TOOL_CALL_START``, ``TOOL_CALL_ARGS``,
    ``TOOL_CALL_END`` and ``TOOL_CALL_RESULT``; ``STATE_SNAPSHOT`` (``snapshot``: the state's values, without the reserved
    key); ``CUSTOM`` (``name``, ``value``) of what nodes write by ``get_stream_writer()``: those two keys, or anything, whose
    name is then ``langgraph``.

Checkpoints hold classes of Python. What is not in langgraph's list of safe types (messages, dates, sets and the like) is
restored as plain data, unless ``allow`` names its class: whoever may execute runs of a thread could otherwise have any
class imported here.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command

from agent_graphql_worker import JsonObject, Run, RunFailure

__all__ = ['RESERVED_KEY', 'langgraph_handler']

RESERVED_KEY = '__langgraph'
_FORMAT = 1
_MODES = ['tasks', 'messages', 'values', 'custom']


def langgraph_handler(
    graph: Any, *, allow: Iterable[type] = (), snapshots: bool = True
) -> Callable[[Run], Coroutine[Any, Any, JsonObject]]:
    """A handler that executes a graph.

    The assistant's ``config`` is the graph's config (``configurable``, ``recursion_limit``, ``tags``, ``metadata``), and its
    ``context`` the graph's context.

    :param graph: a compiled graph
    :param allow: classes of the graph's state that checkpoints may restore, besides langgraph's own safe ones
    :param snapshots: whether the state is sent after each step, as STATE_SNAPSHOT
    """
    allowed = [(type_.__module__, type_.__name__) for type_ in allow]

    async def handle(run: Run) -> JsonObject:
        saver = _RunSaver(allowed)
        saved = run.checkpoint or run.values or {}
        has_state = saver.load(saved.get(RESERVED_KEY))
        bound = graph.copy(update={'checkpointer': saver})
        config = _config_of(run)
        snapshot = await bound.aget_state(config) if has_state else None
        state = _values_of(snapshot.values if snapshot is not None else {})

        if run.checkpoint is not None and snapshot is not None:
            # Another attempt: what it was given is in the checkpoint. Tasks that are done wait for the end of their step.
            is_done, given = not snapshot.tasks, None
        else:
            is_done, given = False, _input_of(run, saved, snapshot)
        if not is_done:
            events = _Events(run)
            options: dict[str, Any] = {'stream_mode': _MODES, 'subgraphs': True, 'durability': 'sync'}
            if run.context and getattr(graph, 'context_schema', None) is not None:
                options['context'] = run.context
            async for namespace, mode, chunk in bound.astream(given, config, **options):
                if mode == 'values' and not namespace:
                    state = _values_of(chunk)
                    if snapshots:
                        await _send(run, 'STATE_SNAPSHOT', {'snapshot': state})
                elif mode != 'values':
                    await events.send(namespace, mode, chunk)
                if saver.has_changed():
                    await run.save({**state, RESERVED_KEY: saver.dump()})
            await events.end()
            snapshot = await bound.aget_state(config)

        output = {**state, RESERVED_KEY: saver.dump()}
        question = _question_of(snapshot)
        if question is not None:
            run.interrupt(question, output)
        return output

    return handle


def _config_of(run: Run) -> dict[str, Any]:
    keys = ('tags', 'metadata', 'recursion_limit')
    return {
        **{key: run.config[key] for key in keys if key in run.config},
        'configurable': {**(run.config.get('configurable') or {}), 'thread_id': run.thread_id},
    }


def _input_of(run: Run, saved: JsonObject, snapshot: Any) -> Any:
    given = run.input or {}
    if snapshot is None:
        return {**{key: value for key, value in saved.items() if key != RESERVED_KEY}, **given}
    if run.resumes is None or not snapshot.next:
        return given
    if not snapshot.interrupts:
        # It stopped before a node, and goes on.
        return None
    return Command(resume=given['resume'] if set(given) == {'resume'} else given)


def _question_of(snapshot: Any) -> JsonObject | None:
    if snapshot is None or not snapshot.next:
        return None
    interrupts = [{'id': interrupt.id, 'value': _jsonable(interrupt.value)} for interrupt in snapshot.interrupts]
    if len(interrupts) > 1:
        return {'interrupts': interrupts}
    if not interrupts:
        return {'next': list(snapshot.next)}
    value = interrupts[0]['value']
    return value if isinstance(value, dict) else {'value': value}


async def _send(run: Run, type_: str, data: JsonObject) -> None:
    """Sends an event, or, where it is too large, an event that says so."""
    try:
        await run.emit(type_, data)
    except ValueError as error:
        await run.emit('CUSTOM', {'name': 'langgraph.dropped', 'value': {'type': type_, 'reason': str(error)}})


# --- Events ----------------------------------------------------------------------------------------------------------


#: A namespace, and the name of a node in it.
_Node = tuple[tuple[str, ...], str]


class _Events:
    """Translates what a graph streams."""

    def __init__(self, run: Run) -> None:
        self._run = run
        #: The message that each node is sending: nodes of one step run at once.
        self._open: dict[_Node, _Message] = {}

    async def send(self, namespace: tuple[str, ...], mode: str, chunk: Any) -> None:
        if mode == 'tasks':
            await self._task(namespace, chunk)
        elif mode == 'messages':
            message, metadata = chunk
            await self._message((namespace, str(metadata.get('langgraph_node'))), message)
        elif isinstance(chunk, Mapping) and set(chunk) == {'name', 'value'}:
            await _send(self._run, 'CUSTOM', {'name': str(chunk['name']), 'value': _jsonable(chunk['value'])})
        else:
            await _send(self._run, 'CUSTOM', {'name': 'langgraph', 'value': _jsonable(chunk)})

    async def end(self) -> None:
        """Ends the messages that are being sent."""
        for node in list(self._open):
            await self._close(node)

    async def _task(self, namespace: tuple[str, ...], task: Mapping[str, Any]) -> None:
        names = [part.split(':')[0] for part in namespace]
        is_start = 'triggers' in task
        if not is_start:
            await self._close((namespace, str(task['name'])))
        type_ = 'STEP_STARTED' if is_start else 'STEP_FINISHED'
        await _send(self._run, type_, {'stepName': '/'.join([*names, str(task['name'])])})

    async def _message(self, node: _Node, message: BaseMessage) -> None:
        if isinstance(message, ToolMessage):
            result = {
                'messageId': message.id or message.tool_call_id,
                'toolCallId': message.tool_call_id,
                'content': _text_of(message.content),
                'role': 'tool',
            }
            await _send(self._run, 'TOOL_CALL_RESULT', result)
        elif isinstance(message, AIMessageChunk):
            await self._chunk(node, message)
        elif isinstance(message, AIMessage):
            await self._close(node)
            await self._whole(message)

    async def _chunk(self, node: _Node, chunk: AIMessageChunk) -> None:
        opened = self._open.get(node)
        if opened is not None and opened.id != chunk.id:
            await self._close(node)
            opened = None
        if opened is None:
            opened = self._open[node] = _Message(chunk.id or '')
        await self._text(opened, _text_of(chunk.content))
        for call in chunk.tool_call_chunks:
            await self._tool_call(opened, dict(call))
        if getattr(chunk, 'chunk_position', None) == 'last':
            await self._close(node)

    async def _text(self, message: _Message, delta: str) -> None:
        if delta == '':
            return
        if not message.has_text:
            message.has_text = True
            await _send(self._run, 'TEXT_MESSAGE_START', {'messageId': message.id, 'role': 'assistant'})
        for part in _parts(delta):
            await _send(self._run, 'TEXT_MESSAGE_CONTENT', {'messageId': message.id, 'delta': part})

    async def _tool_call(self, message: _Message, call: Mapping[str, Any]) -> None:
        index = call.get('index')
        id_ = message.calls.get(index)
        if call.get('id') is not None and call['id'] != id_:
            if id_ is not None:
                await _send(self._run, 'TOOL_CALL_END', {'toolCallId': id_})
            id_ = message.calls[index] = str(call['id'])
            start = {'toolCallId': id_, 'toolCallName': call.get('name') or '', 'parentMessageId': message.id}
            await _send(self._run, 'TOOL_CALL_START', start)
        if id_ is not None and call.get('args'):
            for part in _parts(str(call['args'])):
                await _send(self._run, 'TOOL_CALL_ARGS', {'toolCallId': id_, 'delta': part})

    async def _whole(self, message: AIMessage) -> None:
        opened = _Message(message.id or '')
        await self._text(opened, _text_of(message.content))
        for index, call in enumerate(message.tool_calls):
            args = json.dumps(_jsonable(call['args']), ensure_ascii=False)
            await self._tool_call(opened, {**call, 'index': index, 'id': call['id'] or f'{opened.id}-{index}', 'args': args})
        await self._end(opened)

    async def _close(self, node: _Node) -> None:
        opened = self._open.pop(node, None)
        if opened is not None:
            await self._end(opened)

    async def _end(self, message: _Message) -> None:
        if message.has_text:
            await _send(self._run, 'TEXT_MESSAGE_END', {'messageId': message.id})
        for id_ in message.calls.values():
            await _send(self._run, 'TOOL_CALL_END', {'toolCallId': id_})


class _Message:
    """A message that is being sent."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.has_text = False
        self.calls: dict[Any, str] = {}


# An event has 64 KiB at most, and a character up to six bytes as JSON.
_MAX_DELTA = 10_000


def _parts(text: str) -> Iterator[str]:
    for start in range(0, len(text), _MAX_DELTA):
        yield text[start : start + _MAX_DELTA]


def _text_of(content: Any) -> str:
    """The text of a message's content: a string, or blocks of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ''
    blocks = [block if isinstance(block, Mapping) else {'type': 'text', 'text': block} for block in content]
    return ''.join(str(block.get('text', '')) for block in blocks if block.get('type') == 'text')


# --- Values ----------------------------------------------------------------------------------------------------------


def _values_of(state: Any) -> JsonObject:
    values = _jsonable(state)
    return values if isinstance(values, dict) else {'value': values}


# A JSON object has 32 levels at most, and events and checkpoints put these values into others.
_MAX_LEVELS = 28


def _jsonable(value: Any, level: int = 1) -> Any:
    """Converts a value to JSON that the server stores."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return _scalar(value)
    if level > _MAX_LEVELS:
        return _scalar(str(value))
    if isinstance(value, Mapping):
        items = ((str(key), item) for key, item in value.items() if key != RESERVED_KEY)
        return {_scalar(key): _jsonable(item, level + 1) for key, item in items}
    if hasattr(value, 'model_dump'):
        return _jsonable(value.model_dump(), level)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _jsonable({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, level)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_jsonable(item, level + 1) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return _scalar(str(value))


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace('\0', '').encode('utf-8', 'replace').decode()
    if isinstance(value, (int, float)) and not abs(value) <= sys.float_info.max:
        return str(value)
    return value


# --- Checkpoints -----------------------------------------------------------------------------------------------------

_Typed = tuple[str, bytes]


class _Saved:
    """The last checkpoint of a namespace."""

    def __init__(self, id_: str, checkpoint: _Typed, metadata: _Typed) -> None:
        self.id = id_
        self.checkpoint = checkpoint
        self.metadata = metadata


#: By task and index: the task, the channel, the value, the task's path.
_Writes = dict[tuple[str, int], tuple[str, str, _Typed, str]]


class _Content:
    """What a saver holds: langgraph makes shallow copies of savers."""

    def __init__(self) -> None:
        self.saved: dict[str, _Saved] = {}
        #: By namespace and checkpoint: writes can come before their checkpoint does.
        self.writes: dict[tuple[str, str], _Writes] = {}
        self.has_changed = False


class _RunSaver(BaseCheckpointSaver[int]):
    """Keeps the last checkpoints of one thread in memory, and as JSON."""

    def __init__(self, allowed: Sequence[tuple[str, str]]) -> None:
        super().__init__(serde=JsonPlusSerializer(allowed_msgpack_modules=tuple(allowed) or None))
        self._content = _Content()

    def has_changed(self) -> bool:
        """Whether something was saved since the last call of this."""
        changed, self._content.has_changed = self._content.has_changed, False
        return changed

    def dump(self) -> JsonObject:
        """The value of the reserved key."""
        namespaces = {}
        for ns, saved in self._content.saved.items():
            writes = self._content.writes.get((ns, saved.id), {})
            namespaces[ns] = {
                'id': saved.id,
                'checkpoint': _encode(saved.checkpoint),
                'metadata': _encode(saved.metadata),
                'writes': [
                    [task, index, channel, *_encode(typed), path]
                    for (task, index), (_, channel, typed, path) in writes.items()
                ],
            }
        return {'format': _FORMAT, 'runtime': 'python', 'namespaces': namespaces}

    def load(self, dumped: Any) -> bool:
        """Loads what `dump` returned. Returns whether there was something."""
        if dumped is None:
            return False
        if dumped.get('format') != _FORMAT or dumped.get('runtime') != 'python':
            message = 'The state of the thread was left by another kind of worker, or by a later version.'
            raise RunFailure(message, code='UNKNOWN_STATE')
        for ns, saved in dumped['namespaces'].items():
            checkpoint, metadata = _decode(*saved['checkpoint']), _decode(*saved['metadata'])
            self._content.saved[ns] = _Saved(saved['id'], checkpoint, metadata)
            self._content.writes[(ns, saved['id'])] = {
                (task, index): (task, channel, _decode(type_, text), path)
                for task, index, channel, type_, text, path in saved['writes']
            }
        return '' in self._content.saved

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        configurable = config['configurable']
        ns = configurable.get('checkpoint_ns', '')
        saved = self._content.saved.get(ns)
        if saved is None or configurable.get('checkpoint_id') not in (None, '', saved.id):
            return None
        writes = self._content.writes.get((ns, saved.id), {}).values()
        thread = {'thread_id': configurable['thread_id'], 'checkpoint_ns': ns, 'checkpoint_id': saved.id}
        return CheckpointTuple(
            config={'configurable': thread},
            checkpoint=self.serde.loads_typed(saved.checkpoint),
            metadata=self.serde.loads_typed(saved.metadata),
            parent_config=None,
            pending_writes=[(task, channel, self.serde.loads_typed(typed)) for task, channel, typed, _ in writes],
        )

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        found = None if config is None else self.get_tuple(config)
        if found is not None and before is None:
            yield found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        content = self._content
        configurable = config['configurable']
        ns, id_ = configurable.get('checkpoint_ns', ''), checkpoint['id']
        if ns == '':
            # The step is done, and so are the subgraphs that it has called; those with a memory of their own stay.
            for other in [other for other in content.saved if ':' in other]:
                content.writes.pop((other, content.saved.pop(other).id), None)
        before = content.saved.get(ns)
        if before is not None and before.id != id_:
            content.writes.pop((ns, before.id), None)
        content.saved[ns] = _Saved(id_, self.serde.dumps_typed(checkpoint), self.serde.dumps_typed(metadata))
        content.has_changed = True
        thread = {'thread_id': configurable['thread_id'], 'checkpoint_ns': ns, 'checkpoint_id': id_}
        return {'configurable': thread}

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ''
    ) -> None:
        configurable = config['configurable']
        key = (configurable.get('checkpoint_ns', ''), configurable['checkpoint_id'])
        stored = self._content.writes.setdefault(key, {})
        for position, (channel, value) in enumerate(writes):
            index = WRITES_IDX_MAP.get(channel, position)
            if index < 0 or (task_id, index) not in stored:
                stored[(task_id, index)] = (task_id, channel, self.serde.dumps_typed(value), task_path)
        self._content.has_changed = True

    def delete_thread(self, thread_id: str) -> None:
        self._content.saved.clear()
        self._content.writes.clear()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return self.get_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        for found in self.list(config, filter=filter, before=before, limit=limit):
            yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return self.put(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ''
    ) -> None:
        self.put_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        self.delete_thread(thread_id)


def _encode(typed: _Typed) -> list[str]:
    return [typed[0], base64.b64encode(typed[1]).decode()]


def _decode(type_: str, text: str) -> _Typed:
    # Not 'json' or 'pickle', which this never writes, and which could name any class.
    if type_ not in ('null', 'bytes', 'bytearray', 'msgpack'):
        raise ValueError(f'A checkpoint has the unknown type {type_!r}.')
    return type_, base64.b64decode(text)
