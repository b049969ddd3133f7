import { openInFolder } from './disk/folder.ts';
import { testPaging } from './paging.ts';

testPaging('the stores on disk', openInFolder);
