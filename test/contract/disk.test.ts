import { testStores } from './contract.ts';
import { openInFolder } from './disk/folder.ts';

testStores('the stores on disk', openInFolder);
