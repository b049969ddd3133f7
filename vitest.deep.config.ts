import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { DEEP_HANG_LIMIT } from './test/support/hang-limit.ts';
import { project } from './test/support/vitest-project.ts';

const API = ['test/api/**/*.test.ts'];
/** What each version of PostgreSQL must do. Plans and random models run on the first one alone, for they take long. */
const EACH_POSTGRES = [
  'test/deep/postgres/version.test.ts',
  'test/contract/postgres/{conflicts,contract,execution,isolation,listener,migrations}.test.ts',
  'test/contract/postgres/{queue,session-settings,times}.test.ts',
];
const DEEP = { cases: 'all', hangLimit: DEEP_HANG_LIMIT } as const;

/** `npm run test:deep`: what takes long, and what kills processes, cuts networks or loads a server. */
export default defineConfig({
  test: {
    // Processes and PostgreSQL wait more than they work, and leases and outages take their time.
    maxWorkers: 3,
    globalSetup: ['test/support/global-setup.ts', 'test/support/deep-setup.ts'],
    projects: [
      project('deep', ['test/deep/**/*.test.ts'], { storeKind: 'memory', ...DEEP }),
      // Those of `npm test` once more, with more cases and another seed.
      project('random', randomTests(), { storeKind: 'memory', ...DEEP }),
      // The tests of the API run once for each kind of stores.
      project('api-on-disk', API, { storeKind: 'disk', ...DEEP }),
      project('api-on-postgres', API, { storeKind: 'postgres', ...DEEP }),
      // The stores in PostgreSQL run on the newest version, too.
      project('contract-on-postgres-18', EACH_POSTGRES, {
        storeKind: 'postgres',
        postgresVersion: 18,
        ...DEEP,
        cases: 'some',
      }),
    ],
  },
});

/** The files that draw random cases with fast-check, or by the suites that all stores run. */
function randomTests(): readonly string[] {
  return ['test/contract', 'test/http', 'test/unit']
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => /'fast-check'|\/(?:model|paging)\.ts'/.test(readFileSync(file, 'utf8')));
}
