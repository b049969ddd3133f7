import { isObject } from '../lib/is-object.ts';
import type { JsonObject } from '../worker/claimed-run.ts';
import type { Emit } from './emit.ts';
import { jsonValueOf } from './json-value.ts';
import { createMessageEvents } from './message-events.ts';

/** The events of AG-UI for what a graph streams. */
export interface GraphEvents {
  /**
   * @param namespace the tasks of the subgraph, outermost first; empty for the graph itself
   * @param mode `tasks`, `messages` or `custom`
   */
  send(namespace: readonly string[], mode: string, payload: unknown): Promise<void>;
  /** Ends the messages and steps that have begun. */
  end(): Promise<void>;
}

/** Translates what a graph streams. @param emit sends an event; it may throw for one that cannot be stored */
export function createGraphEvents(emit: Emit): GraphEvents {
  const messages = createMessageEvents(emit);
  /** How many tasks of each step are being executed: a reader takes steps of one name for the same. */
  const steps = new Map<string, number>();

  async function sendTask(namespace: readonly string[], task: JsonObject): Promise<void> {
    const name = [...namespace.map((part) => part.split(':')[0]), task['name']].join('/');
    const active = steps.get(name) ?? 0;
    if ('triggers' in task) {
      steps.set(name, active + 1);
      if (active === 0) await emit('STEP_STARTED', { stepName: name });
      return;
    }
    await messages.endTask(String(task['id']));
    if (active > 1) return void steps.set(name, active - 1);
    if (steps.delete(name)) await emit('STEP_FINISHED', { stepName: name });
  }

  function sendCustom(payload: unknown): Promise<void> {
    const value = jsonValueOf(payload);
    const isEvent = isObject(value) && typeof value['name'] === 'string' && 'value' in value;
    return emit(
      'CUSTOM',
      isEvent ? { name: value['name'], value: value['value'] } : { name: 'langgraph', value },
    );
  }

  return {
    async send(namespace, mode, payload) {
      if (mode === 'tasks' && isObject(payload)) await sendTask(namespace, payload);
      else if (mode === 'messages' && Array.isArray(payload)) await messages.send(payload[0], payload[1]);
      else if (mode === 'custom') await sendCustom(payload);
    },
    async end() {
      await messages.endAll();
      for (const stepName of [...steps.keys()].toReversed()) await emit('STEP_FINISHED', { stepName });
      steps.clear();
    },
  };
}
