"""The scenario worker of the library for Python: library.ts says what it does."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / 'clients' / 'python'))

from agent_graphql_worker import BlockingRun, Run, RunFailure, RunInterrupt, Worker, WorkerError, WorkerEvent


def say(*words: object) -> None:
    print(*words, flush=True)


async def given(run: Run) -> dict:
    names = {
        'id': run.id,
        'threadId': run.thread_id,
        'assistantId': run.assistant_id,
        'assistantVersion': run.assistant_version,
        'graphId': run.graph_id,
    }
    same = 'owner attempt input values checkpoint config context metadata resumes'.split()
    return {**names, **{name: getattr(run, name) for name in same}}


async def words(run: Run) -> dict:
    given = run.input or {}
    for word in given['text'].split(' '):
        await asyncio.sleep(given.get('pauseMilliseconds', 0) / 1_000)
        await run.emit('TEXT_MESSAGE_CONTENT', {'delta': word})
    return {'text': given['text']}


async def count(run: Run) -> dict:
    given = run.input or {}
    count = (run.checkpoint or {'count': 0})['count']
    while count < given['to']:
        await asyncio.sleep(given.get('pauseMilliseconds', 0) / 1_000)
        count += 1
        await run.emit('CUSTOM', {'count': count})
        await run.save({'count': count})
    return {'count': count}


async def wait(run: Run) -> None:
    await run.save({'waited': True})
    await run.emit('CUSTOM', {'waits': True})
    try:
        await asyncio.Event().wait()
    finally:
        say('stopped', run.id, run.stop_reason)


async def ask(run: Run) -> dict:
    given = run.input or {}
    if run.resumes is not None:
        return {'question': (run.values or {})['question'], 'answer': given['answer']}
    question = {'question': given['question']}
    try:
        run.interrupt(question, question)
    except RunInterrupt:
        if not given.get('swallow'):
            raise
    return {'swallowed': True}


async def fail(run: Run) -> None:
    raise ValueError((run.input or {})['message'])


async def failure(run: Run) -> None:
    given = run.input or {}
    raise RunFailure(
        given['message'],
        code=given['code'],
        details=given.get('details'),
        retry=given['retry'],
        retry_after_seconds=given.get('retryAfterSeconds'),
    )


def deep() -> dict:
    value: dict = {}
    for _ in range(32):
        value = {'a': value}
    return value


async def output(run: Run) -> object:
    kind = (run.input or {})['kind']
    if kind == 'nothing':
        await run.save({'saved': True})
    return {'list': [1], 'text': 'a', 'large': {'a': 'x' * 524_288}, 'deep': deep(), 'nothing': None}[kind]


async def emit(run: Run) -> dict:
    given = run.input or {}
    for index in range(given['count']):
        await run.emit('CUSTOM', {'index': index, 'text': 'x' * given['bytes']})
    return {'count': given['count']}


async def refused(run: Run) -> dict:
    events: dict = {
        'empty type': ('', {}),
        'long type': ('x' * 65, {}),
        'list': ('CUSTOM', []),
        'large': ('CUSTOM', {'a': 'x' * 65_536}),
        'deep': ('CUSTOM', deep()),
        'surrogate': ('CUSTOM', {'a': '\ud800'}),
    }
    names = []
    for name, (type_, data) in events.items():
        try:
            run.emit(type_, data)
        except ValueError:
            names.append(name)
    return {'refused': names}


async def block(run: Run) -> dict:
    say('began', run.id)
    # The event loop does nothing else.
    time.sleep((run.input or {})['milliseconds'] / 1_000)
    return {'blocked': True}


def plain(run: BlockingRun) -> dict:
    """A plain function: `to`, `wait`. Emits and saves as `count` does; with `wait` it then waits until it is stopped."""
    given = run.input or {}
    for count in range(1, given['to'] + 1):
        run.emit('CUSTOM', {'count': count})
        run.save({'count': count})
    if given.get('wait'):
        run.emit('CUSTOM', {'waits': True})
        while not run.wait_for_stop(0.05):
            pass
        say('stopped', run.id, run.stop_reason)
    if given.get('ask'):
        run.interrupt({'question': given['ask']})
    return {'count': given['to']}


GRAPHS = {
    handler.__name__: handler
    for handler in (given, words, count, wait, ask, fail, failure, output, emit, refused, block, plain)
}


def report(event: WorkerEvent) -> None:
    words = [event.kind, event.run_id, event.status]
    say(*[word for word in words if word is not None])


class Tokens:
    """A token function."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        say('token', self.calls)
        return self.tokens[min(self.calls, len(self.tokens)) - 1]


def main() -> None:
    env = os.environ
    tokens = env['AGENT_GRAPHQL_TOKENS'].split()
    worker = Worker(
        url=env['AGENT_GRAPHQL_URL'],
        token=tokens[0] if len(tokens) == 1 else Tokens(tokens),
        graphs=GRAPHS,
        concurrency=int(env.get('CONCURRENCY', 10)),
        name=env.get('WORKER_NAME'),
        lease_seconds=int(env.get('LEASE_SECONDS', 30)),
        drain_seconds=float(env.get('DRAIN_SECONDS', 20)),
        on_event=report,
    )
    try:
        asyncio.run(worker.run())
    except WorkerError as error:
        sys.exit(str(error))


main()
