import { describe, expect, it } from 'vitest';
import { createTerminal } from '../../../src/cli/terminal.ts';
import { readConfig } from '../../../src/config.ts';

/** A terminal, and what was written to it. */
function open(variables: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  let written = '';
  const output = {
    isTTY: true,
    write(text: string | Uint8Array) {
      written += String(text);
      return true;
    },
    // Node.js itself interprets these variables.
    hasColors: () => env['NO_COLOR'] === undefined,
  };
  return { terminal: createTerminal(readConfig(variables), output, env), written: () => written };
}

const STARTED = { url: 'http://localhost:4000/graphql', devToken: 'a.b.c', hasPage: true };

describe('a terminal', () => {
  it('should show what is being opened, until there is something else to show', () => {
    const { terminal, written } = open({ DATA_DIR: 'kept' }, { NO_COLOR: '1' });
    const { log } = terminal.createLog();
    expect(written()).toBe('\r\u001B[KOpening kept …');
    log.info({ threads: 3 }, 'loaded');
    expect(written()).toBe('\r\u001B[KOpening kept …\r\u001B[Kinfo loaded threads=3\n');
    terminal.show(STARTED);
    expect(written()).toMatch(/threads=3\n\n {2}agent-graphql /);
  });

  it('should show the summary at once where nothing takes time', () => {
    const { terminal, written } = open({}, { NO_COLOR: '1' });
    terminal.createLog();
    expect(written()).toBe('');
    terminal.show(STARTED);
    expect(written()).toMatch(/^\n {2}agent-graphql /);
    expect(written()).not.toContain('\u001B');
  });

  it('should have colours where the terminal has them', () => {
    const { terminal, written } = open({});
    terminal.createLog();
    terminal.show(STARTED);
    expect(written()).toContain('\u001B[1magent-graphql\u001B[22m');
  });
});
