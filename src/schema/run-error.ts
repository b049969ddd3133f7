import type { RunError } from '../store/records.ts';
import { builder } from './builder.ts';

/** Why a run failed. */
export const RunErrorRef = builder.objectRef<RunError>('RunError').implement({
  description: 'Why a run failed.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description: "For programs: the worker's own, or `ATTEMPTS_EXHAUSTED`, or `TIMEOUT`.",
    }),
    message: t.exposeString('message', { description: 'For people.' }),
    details: t.expose('details', {
      type: 'JSONObject',
      nullable: true,
      description: 'Whatever else the worker said.',
    }),
  }),
});
