import { ask } from './requests.ts';
import type { Running } from './running.ts';
import type { Work } from './works.ts';

/** As much of an answer as is shown, in characters. */
const SHOWN = 1_000;

/** Throws unless all systems answer a work with the same bytes of `data`, whatever the variables. */
export async function checkAnswers(running: readonly Running[], work: Work, token: string): Promise<void> {
  for (const [index, variables] of work.variables.entries()) {
    const expected: { data: string; of: string }[] = [];
    for (const { system, url } of running) {
      if (system.speaks === 'constant' && index > 0) continue;
      const data = dataOf(await ask(system, url, token, work, variables));
      const comparable = work.volatile === null ? data : data.replace(work.volatile, '');
      const [first] = expected;
      if (first !== undefined && first.data !== comparable) {
        throw new Error(
          `${work.name} is answered differently:\n${first.of}: ${first.data.slice(0, SHOWN)}\n` +
            `${system.name}: ${comparable.slice(0, SHOWN)}`,
        );
      }
      expected.push({ data: comparable, of: system.name });
    }
  }
}

/** What is under `data` in an answer, as it was sent. */
function dataOf(text: string): string {
  const data = /^\{"data":(.*)\}\s*$/s.exec(text)?.[1];
  if (data === undefined || data === 'null') throw new Error(`This has no data: ${text.slice(0, 300)}`);
  return data;
}
