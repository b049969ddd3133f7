import type { BaseCheckpointSaver, StateSnapshot } from '@langchain/langgraph';

/** A compiled graph of `@langchain/langgraph`: what `compile()`, `createReactAgent` and `entrypoint` return. */
export interface CompiledGraph {
  checkpointer?: BaseCheckpointSaver | boolean;
  /** The channels of its state: their names, or the name of the only one, which is the whole state. */
  readonly streamChannelsAsIs: PropertyKey | readonly PropertyKey[];
  /** A copy of the graph. */
  withConfig(config: object): CompiledGraph;
  stream(input: unknown, options?: object): Promise<AsyncIterable<unknown>>;
  getState(config: object): Promise<StateSnapshot>;
}

/** A copy of a graph that keeps its checkpoints in a saver. */
export function withCheckpointer(graph: CompiledGraph, checkpointer: BaseCheckpointSaver): CompiledGraph {
  const copy = graph.withConfig({});
  copy.checkpointer = checkpointer;
  return copy;
}
