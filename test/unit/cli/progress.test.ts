import { describe, expect, it } from 'vitest';
import { showProgress } from '../../../src/cli/progress.ts';

function open(isTTY: boolean) {
  const written: string[] = [];
  return { stream: { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 }, written };
}

describe('progress', () => {
  it('should be a line on a terminal, which is gone at the end', () => {
    const { stream, written } = open(true);
    const progress = showProgress(stream, () => 'Importing: 3 threads');
    progress.end();
    expect(written).toEqual(['\r\u001B[KImporting: 3 threads …', '\r\u001B[K']);
  });

  it('should not be shown elsewhere', () => {
    const { stream, written } = open(false);
    showProgress(stream, () => 'Importing: 3 threads').end();
    expect(written).toEqual([]);
  });
});
