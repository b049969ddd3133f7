import { postgresStores } from '../../support/postgres/bench.ts';
import { testExecutionLaws } from '../tmp-laws.ts';
const open = postgresStores();
for (const seed of [21, 22, 23]) testExecutionLaws(`seed ${seed}`, open, { some: 50, all: 60 }, { seed });
