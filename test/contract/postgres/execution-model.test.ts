import { postgresStores } from '../../support/postgres/bench.ts';
import { testExecutionAgainstModel } from '../execution-model.ts';

testExecutionAgainstModel('the stores in PostgreSQL', postgresStores(), { some: 12, all: 60 });
