import { testAgainstModel } from './model.ts';
import { openInMemory } from './open-in-memory.ts';

testAgainstModel('the stores in memory', openInMemory);
