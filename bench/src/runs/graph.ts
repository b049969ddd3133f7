/** The graph, task or queue of all runs. */
export const GRAPH = 'bench';
