"""A worker of real LangGraph graphs, none of which needs a model. See langgraph.test.ts."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

sys.path.insert(0, str(Path(__file__).parents[3] / 'clients' / 'python'))

from agent_graphql_langgraph import langgraph_handler
from agent_graphql_worker import Worker
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt


class Conversation(TypedDict):
    messages: Annotated[list, add_messages]


class Steps(TypedDict, total=False):
    n: int
    to: int
    pauseMilliseconds: int


class Approval(TypedDict, total=False):
    drafts: int
    answer: Any


def tools() -> StateGraph:
    """A loop: the model calls a tool until it has what was asked for."""

    def model(state: Conversation) -> dict:
        results = [message for message in state['messages'] if isinstance(message, ToolMessage)]
        if not isinstance(state['messages'][-1], ToolMessage):
            call = {'name': 'track', 'args': {'parcel': 17}, 'id': f'call-{len(state["messages"])}'}
            return {'messages': [AIMessage(content='', tool_calls=[call], id=f'ai-{len(state["messages"])}')]}
        return {'messages': [AIMessage(content=f'It is {results[-1].content}.', id=f'ai-{len(state["messages"])}')]}

    def track(state: Conversation) -> dict:
        (call,) = state['messages'][-1].tool_calls
        get_stream_writer()({'name': 'progress', 'value': {'parcel': call['args']['parcel']}})
        result = ToolMessage(content='on its way', tool_call_id=call['id'], id=f'result-of-{call["id"]}')
        return {'messages': [result]}

    def after(state: Conversation) -> str:
        return 'track' if state['messages'][-1].tool_calls else END

    builder = StateGraph(Conversation)
    builder.add_node('model', model)
    builder.add_node('track', track)
    builder.add_edge(START, 'model')
    builder.add_conditional_edges('model', after, ['track', END])
    builder.add_edge('track', 'model')
    return builder


def steps() -> StateGraph:
    """Counts, a step at a time."""

    async def count(state: Steps) -> dict:
        await asyncio.sleep(state['pauseMilliseconds'] / 1_000)
        return {'n': state.get('n', 0) + 1}

    builder = StateGraph(Steps)
    builder.add_node('count', count)
    builder.add_edge(START, 'count')
    builder.add_conditional_edges('count', lambda state: 'count' if state['n'] < state['to'] else END)
    return builder


def approval() -> StateGraph:
    """Drafts once, and asks a person."""

    def draft(state: Approval) -> dict:
        get_stream_writer()('drafted')
        return {'drafts': state.get('drafts', 0) + 1}

    def approve(state: Approval) -> dict:
        return {'answer': interrupt('Approve?')}

    builder = StateGraph(Approval)
    builder.add_node('draft', draft)
    builder.add_node('approve', approve)
    builder.add_edge(START, 'draft')
    builder.add_edge('draft', 'approve')
    return builder


def nested() -> StateGraph:
    """The same as a subgraph."""
    builder = StateGraph(Approval)
    builder.add_node('review', approval().compile())
    builder.add_edge(START, 'review')
    return builder


worker = Worker(
    url=os.environ['AGENT_GRAPHQL_URL'],
    token=os.environ['AGENT_GRAPHQL_TOKENS'],
    graphs={build.__name__: langgraph_handler(build().compile()) for build in (tools, steps, approval, nested)},
    lease_seconds=int(os.environ['LEASE_SECONDS']),
)
asyncio.run(worker.run())
