import { testExecution, testStores } from './contract.ts';
import { openInMemory } from './open-in-memory.ts';

testStores('the stores in memory', openInMemory);
testExecution('the stores in memory', openInMemory);
