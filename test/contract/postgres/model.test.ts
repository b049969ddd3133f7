import { testAgainstModel } from '../model.ts';
import { postgresStores } from '../../support/postgres/bench.ts';

testAgainstModel('the stores in PostgreSQL', postgresStores(), { some: 10, all: 60 });
