import { openInFolder } from './disk/folder.ts';
import { testAgainstModel } from './model.ts';

testAgainstModel('the stores on disk', openInFolder);
