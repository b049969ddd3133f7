import * as fc from 'fast-check';
import { inject } from 'vitest';

// For all that fast-check draws. A failure prints the seed, with the path to the case.
fc.configureGlobal({ seed: inject('seed') });
