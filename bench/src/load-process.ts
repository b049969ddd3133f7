import { fanOut, type FanOutJob, type FanOutResult } from './fan-out.ts';
import { load, type Job, type LoadResult } from './load.ts';

/** What the process that makes the load is asked for. */
export type Question =
  { readonly kind: 'load'; readonly job: Job } | { readonly kind: 'fan out'; readonly job: FanOutJob };

/** What it answers. */
export type Answer =
  | { readonly kind: 'load'; readonly result: LoadResult }
  | { readonly kind: 'fan out'; readonly result: FanOutResult }
  | { readonly kind: 'error'; readonly message: string };

process.on('message', (question: Question) => {
  void work(question).then((answer) => process.send?.(answer));
});
process.once('disconnect', () => process.exit());

async function work(question: Question): Promise<Answer> {
  try {
    return question.kind === 'load'
      ? { kind: 'load', result: await load(question.job) }
      : { kind: 'fan out', result: await fanOut(question.job) };
  } catch (error) {
    return { kind: 'error', message: String(error) };
  }
}
