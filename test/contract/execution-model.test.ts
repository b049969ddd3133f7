import { testExecutionAgainstModel } from './execution-model.ts';
import { openInMemory } from './open-in-memory.ts';

testExecutionAgainstModel('the stores in memory', openInMemory);
