import { testWorkerLibrary } from './scenarios.ts';
import { TYPESCRIPT } from './typescript-library.ts';

testWorkerLibrary(TYPESCRIPT);
