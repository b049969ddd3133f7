import { openInFolder } from './disk/folder.ts';
import { testExecutionLaws } from './execution-laws.ts';
import { testExecutionAgainstModel } from './execution-model.ts';

testExecutionAgainstModel('the stores on disk', openInFolder);
testExecutionLaws('the stores on disk', openInFolder);
