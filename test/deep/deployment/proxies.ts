import { connect } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Project, Started } from '../../process/project.ts';
import { blocksUnder, blockUnder } from '../../support/blocks.ts';
import { eventually } from '../../support/eventually.ts';
import { makeCertificates } from '../../support/postgres/certificates.ts';

/** A proxy in front of a server, with the configuration of docs/deploy.md. */
export interface Proxy {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** The certificate of the authority that signed its own, in PEM. */
  readonly authority: string;
}

/** Starts a proxy of a project. @param program its path @param upstream the server's port @param port for the proxy */
export type StartProxy = (
  project: Project,
  program: string,
  upstream: number,
  port: number,
) => Promise<Proxy>;

const PAGE = 'docs/deploy.md';
/** The name of the server in the page. */
export const HOST = 'api.example.com';
/** Since this version of nginx, HTTP/2 has a directive of its own. */
const HTTP2_DIRECTIVE = [1, 25, 1] as const;

/** Starts nginx with the page's blocks in its `http`. */
export const startNginx: StartProxy = async (project, program, upstream, port) => {
  const folder = join(project.folder, 'nginx');
  await mkdir(folder);
  const certificates = await makeCertificates([`DNS:${HOST}`], 'nobody', 'a passphrase');
  const blocks = blocksUnder(PAGE, 'nginx').map(({ body }) => body);
  const listen = hasHttp2Directive(program)
    ? `listen 127.0.0.1:${port} ssl;\n  http2 on;`
    : `listen 127.0.0.1:${port} ssl http2;`;
  const own = replaceOnce(
    replaceOnce(blocks.join(''), 'listen 443 ssl;\n  http2 on;', listen),
    '127.0.0.1:4000',
    `127.0.0.1:${upstream}`,
  );
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr;
     events {}
     http {
       access_log off;
       ${paths.join('\n')}
       ssl_certificate ${certificates.file('server.pem')};
       ssl_certificate_key ${certificates.file('server.key')};
       ${own}
     }`,
  );
  await accepts(project.start(program, ['-e', 'stderr', '-c', join(folder, 'nginx.conf')], {}), port);
  const authority = await readFile(certificates.file('ca.pem'), 'utf8');
  await certificates.remove();
  return { port, authority };
};

/** Starts Caddy with the page's block, and an authority of its own in the place of a public one. */
export const startCaddy: StartProxy = async (project, program, upstream, port) => {
  const folder = join(project.folder, 'caddy');
  await mkdir(folder);
  const site = replaceOnce(
    blockUnder(PAGE, 'Caddy', 'caddyfile').body,
    '127.0.0.1:4000',
    `127.0.0.1:${upstream}`,
  );
  const options = `
    admin off
    storage file_system ${folder}
    local_certs
    skip_install_trust
    auto_https disable_redirects
    https_port ${port}
    default_bind 127.0.0.1`;
  const file = join(folder, 'Caddyfile');
  await writeFile(file, `{${options}\n}\n${site}`);
  const started = project.start(program, ['run', '--adapter', 'caddyfile', '--config', file], {});
  await accepts(started, port);
  return { port, authority: await readFile(join(folder, 'pki/authorities/local/root.crt'), 'utf8') };
};

function hasHttp2Directive(program: string): boolean {
  // It prints its version where errors go.
  const printed = execFileSync('/bin/sh', ['-c', '"$1" -v 2>&1', 'sh', program], { encoding: 'utf8' });
  const version = (/nginx\/([\d.]+)/.exec(printed)?.[1] ?? '').split('.').map(Number);
  for (const [index, part] of HTTP2_DIRECTIVE.entries())
    if (version[index] !== part) return (version[index] ?? 0) > part;
  return true;
}

function replaceOnce(text: string, old: string, other: string): string {
  if (text.split(old).length !== 2) throw new Error(`The page has this once: ${old}`);
  return text.replace(old, other);
}

/** Is done once a program takes connections. @throws Error with what it printed where it ended instead */
async function accepts(started: Started, port: number): Promise<void> {
  let ended: Error | null = null;
  void started.ending.then(({ stderr }) => (ended = new Error(`It ended: ${stderr}`)));
  await eventually(`port ${port} takes connections`, async () => {
    if (ended !== null) throw ended;
    return isOpen(port);
  });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
