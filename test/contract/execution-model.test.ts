import { testExecutionLaws } from './execution-laws.ts';
import { testExecutionAgainstModel } from './execution-model.ts';
import { openInMemory } from './open-in-memory.ts';

testExecutionAgainstModel('the stores in memory', openInMemory);
testExecutionLaws('the stores in memory', openInMemory);
