import { setTimeout as passed } from 'node:timers/promises';
import { z } from 'zod';
import type { ClaimedRun, JsonObject } from '../../worker/create-worker.ts';

const Input = z.object({ text: z.string() });

/** Milliseconds between two words. */
const PAUSE = 80;

/**
 * The graph of the demo: it answers `input.text` word by word. The text "ask" makes it ask a person for a name, which
 * is the input of another run.
 */
export async function demoGraph(run: ClaimedRun): Promise<JsonObject> {
  const { text } = Input.parse(run.input);
  if (run.resumes !== null) return say(run, `Nice to meet you, ${text}. That is how a run asks a person.`);
  if (text === 'ask') run.interrupt({ question: 'What is your name?' });
  return say(
    run,
    `You said: “${text}”. I am a worker: a process that claims runs over GraphQL. Each of these words is an event, ` +
      'stored before you see it. If I crash, the next worker goes on with the word after the last one that I saved.',
  );
}

/** Sends a message word by word as AG-UI's events, from where an earlier attempt was. Returns the run's output. */
async function say(run: ClaimedRun, text: string): Promise<JsonObject> {
  const messageId = `${run.id}-${run.attempt}`;
  const words = text.split(' ');
  const saved = Number(run.checkpoint?.['words'] ?? 0);
  await run.emit('TEXT_MESSAGE_START', { messageId, role: 'assistant' });
  for (const [index, word] of words.slice(saved).entries()) {
    await passed(PAUSE, undefined, { signal: run.signal });
    await run.emit('TEXT_MESSAGE_CONTENT', { messageId, delta: `${word} ` });
    if (index % 10 === 9) await run.save({ words: saved + index + 1 });
  }
  await run.emit('TEXT_MESSAGE_END', { messageId });
  return { text };
}
