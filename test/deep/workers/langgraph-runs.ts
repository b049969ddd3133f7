import { expect } from 'vitest';
import type { RunState } from './runs.ts';

/** The fields that identify an event in an outline, the most specific first. */
const NAMES = ['stepName', 'name', 'delta', 'content', 'toolCallName'];

/** The types of events, each with the field that identifies it. */
export function outlineOf(events: RunState['events']): readonly string[] {
  return events.map(({ type, data }) => {
    const name = NAMES.map((key) => data[key]).find((value) => typeof value === 'string');
    return name === undefined ? type : `${type} ${name}`;
  });
}

/** Whether an event is the state after the fifth step of the graph `steps`. */
export function isFifthStep({ data }: { readonly data: object }): boolean {
  return JSON.stringify(data).includes('"n":5,');
}

/** The state of a graph in a run's output, beside the checkpoint that LangGraph of a language has saved. */
export function stateOf({ output }: RunState, runtime: 'javascript' | 'python'): unknown {
  const { __langgraph: checkpoint, ...state } = output ?? {};
  expect(checkpoint).toMatchObject({ format: 1, runtime });
  return state;
}
