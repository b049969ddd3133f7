import { testExecution, testStores } from './contract.ts';
import { openInFolder } from './disk/folder.ts';

testStores('the stores on disk', openInFolder);
testExecution('the stores on disk', openInFolder);
