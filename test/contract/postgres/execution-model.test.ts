import { postgresStores } from '../../support/postgres/bench.ts';
import { testExecutionLaws } from '../execution-laws.ts';
import { testExecutionAgainstModel } from '../execution-model.ts';

const open = postgresStores();

testExecutionAgainstModel('the stores in PostgreSQL', open, { some: 12, all: 60 });
testExecutionLaws('the stores in PostgreSQL', open, { some: 6, all: 60 });
