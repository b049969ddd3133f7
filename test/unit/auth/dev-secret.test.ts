import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { devSecret } from '../../../src/auth/dev-secret.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dev-secret-'));
  file = join(folder, '.dev-secret');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('the secret for development', () => {
  it('should be made once and kept in a file for its owner only', () => {
    const secret = devSecret(file);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(readFileSync(file, 'utf8')).toBe(`${secret}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(devSecret(file)).toBe(secret);
    expect(devSecret(pathToFileURL(file))).toBe(secret);
    expect(readdirSync(folder)).toEqual(['.dev-secret']);
  });

  it('should be the one that the file holds, without the line end', () => {
    writeFileSync(file, `${'x'.repeat(32)}\r\n`);
    expect(devSecret(file)).toBe('x'.repeat(32));
  });

  it.each(['', '\n', `${'x'.repeat(31)}\n`])('should replace %j, which is too short', (content) => {
    writeFileSync(file, content, { mode: 0o644 });
    const secret = devSecret(file);
    expect(readFileSync(file, 'utf8')).toBe(`${secret}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(devSecret(file)).toBe(secret);
    expect(readdirSync(folder)).toEqual(['.dev-secret']);
  });

  it('should differ from project to project', () => {
    expect(devSecret(join(folder, 'a'))).not.toBe(devSecret(join(folder, 'b')));
  });

  it('should last as long as the process where no file can be written', () => {
    writeFileSync(file, 'x'.repeat(32));
    expect(Buffer.from(devSecret(join(file, 'inside a file')), 'base64url')).toHaveLength(32);
    expect(Buffer.from(devSecret(join(folder, 'no such folder', 'file')), 'base64url')).toHaveLength(32);
    mkdirSync(join(folder, 'folder'));
    expect(Buffer.from(devSecret(join(folder, 'folder')), 'base64url')).toHaveLength(32);
    expect(readdirSync(folder).toSorted()).toEqual(['.dev-secret', 'folder']);
  });
});
