import { openInFolder } from './disk/folder.ts';
import { testExecutionAgainstModel } from './execution-model.ts';

testExecutionAgainstModel('the stores on disk', openInFolder);
