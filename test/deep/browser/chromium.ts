import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { binariesFolder } from '../../support/install-binaries.ts';

/** A browser, and the function that ends it and deletes its files. */
export interface Started {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** The usual paths of Chromium. */
const WELL_KNOWN = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Starts the Chromium of `CHROMIUM_PATH`, or one of this machine, or the one of `test/binaries`. */
export async function startChromium(): Promise<Started> {
  const { CHROMIUM_PATH = '' } = process.env;
  const failures: unknown[] = [];
  for (const path of [CHROMIUM_PATH, ...WELL_KNOWN].filter(existsSync)) {
    const browser = await tryToLaunch(path, {}, failures);
    if (browser !== null) return { browser, close: () => browser.close() };
  }
  const started = await startPackaged(failures);
  if (started !== null) return started;
  throw new Error(
    `No Chromium can be started: install one (\`apt-get install chromium\`), or set CHROMIUM_PATH. ${failures.join('\n')}`,
  );
}

/** The Chromium within `@sparticuz/chromium`, for Linux on x64. It is unpacked into a folder of its own: 0.2 GB. */
async function startPackaged(failures: unknown[]): Promise<Started | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const cwd = await binariesFolder('chromium');
  const folder = mkdtempSync(join(tmpdir(), 'chromium-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // The package unpacks into the folder for temporary files, and the libraries that it needs for AWS alone.
  const env = { TMPDIR: folder, AWS_LAMBDA_JS_RUNTIME: 'nodejs20.x' };
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', UNPACK], { cwd, env });
  // It crashes where there is no font, and the configuration of its own ones looks for them in /tmp/fonts.
  const fonts = join(folder, 'fonts.conf');
  writeFileSync(
    fonts,
    `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>`,
  );
  const libraries = { LD_LIBRARY_PATH: join(folder, 'al2023/lib'), FONTCONFIG_FILE: fonts };
  const browser = await tryToLaunch(join(folder, 'chromium'), libraries, failures);
  if (browser === null) {
    remove();
    return null;
  }
  return { browser, close: () => browser.close().finally(remove) };
}

const UNPACK = "await (await import('@sparticuz/chromium')).default.executablePath();";

/** A browser; null where it cannot be started: the reason is added to the failures. */
async function tryToLaunch(
  executablePath: string,
  env: Readonly<Record<string, string>>,
  failures: unknown[],
): Promise<Browser | null> {
  const { PATH = '', HOME = tmpdir() } = process.env;
  try {
    return await chromium.launch({
      executablePath,
      args: FLAGS,
      env: { PATH, HOME, ...env },
      // However slow the machine is.
      timeout: 0,
    });
  } catch (error) {
    failures.push(error);
    return null;
  }
}

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
