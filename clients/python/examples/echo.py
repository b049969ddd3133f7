"""A worker for Python 3.10 and later. It executes runs of assistants whose graph is `echo`: they say the words of a text,
or ask a person. examples/worker.mjs does the same in plain calls.

    export AGENT_GRAPHQL_TOKEN=$(npm run -s token -- --worker worker-1)
    PYTHONPATH=clients/python python3 clients/python/examples/echo.py
"""

import asyncio
import os
from typing import Any

from agent_graphql_worker import Run, Worker


async def echo(run: Run) -> dict[str, Any]:
    given = run.input or {}
    if 'ask' in given:
        # The answer comes in another run of the thread, which is given this output as `values`.
        run.interrupt({'question': given['ask']}, output={'question': given['ask']})
    text = f'{run.values["question"]} {given["answer"]}' if run.resumes and run.values else given.get('text', '')
    # Work before the checkpoint is not repeated; work after it is, so readers start again from the snapshot.
    said = run.checkpoint['text'].split(' ') if run.checkpoint else []
    if run.checkpoint:
        await run.emit('STATE_SNAPSHOT', {'snapshot': run.checkpoint})
    message = {'messageId': run.id}
    await run.emit('TEXT_MESSAGE_START', {**message, 'role': 'assistant'})
    if run.checkpoint:
        await run.emit('TEXT_MESSAGE_CONTENT', {**message, 'delta': f'{run.checkpoint["text"]} '})
    for word in text.split(' ')[len(said) :]:
        await asyncio.sleep(given.get('wordMilliseconds', 50) / 1_000)
        await run.emit('TEXT_MESSAGE_CONTENT', {**message, 'delta': f'{word} '})
        said.append(word)
        if len(said) % 10 == 0:
            await run.save({'text': ' '.join(said)})
    await run.emit('TEXT_MESSAGE_END', message)
    return {'text': text}


worker = Worker(
    url=os.environ.get('AGENT_GRAPHQL_URL', 'http://localhost:4000/graphql'),
    token=os.environ['AGENT_GRAPHQL_TOKEN'],
    graphs={'echo': echo},
)
asyncio.run(worker.run())
