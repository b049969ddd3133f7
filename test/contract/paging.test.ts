import { openInMemory } from './open-in-memory.ts';
import { testPaging } from './paging.ts';

testPaging('the stores in memory', openInMemory);
