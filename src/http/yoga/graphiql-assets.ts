import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { GRAPHQL_PATH } from '../../lib/paths.ts';
import { MARK } from './mark.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

/** A file that the GraphiQL page loads. Its path changes with its content, so that browsers keep it. */
export interface Asset {
  readonly path: string;
  readonly contentType: string;
  /** The content in the best encoding that the client accepts. */
  encoded(acceptEncoding: string | undefined): Promise<EncodedAsset>;
}

/** An asset as it is sent. */
export interface EncodedAsset {
  readonly body: Buffer;
  /** The value of `Content-Encoding`; null without one. */
  readonly encoding: 'br' | 'gzip' | null;
}

/** The files of the GraphiQL page. */
export interface GraphiQLAssets {
  readonly script: Asset;
  readonly style: Asset;
  readonly pageScript: Asset;
  readonly pageStyle: Asset;
  readonly icon: Asset;
}

/** Where assets are, below the API's path. */
export const ASSETS_PATH = `${GRAPHQL_PATH}/assets/`;

let loaded: Promise<GraphiQLAssets> | undefined;

/** Loads the files of GraphiQL, 9 MB in all, when they are first asked for. */
export function graphiqlAssets(): Promise<GraphiQLAssets> {
  loaded ??= loadAssets();
  return loaded;
}

async function loadAssets(): Promise<GraphiQLAssets> {
  const { css, editorWorkerService, graphqlWorker, js, jsonWorker } =
    await import('@graphql-yoga/render-graphiql/graphiql');
  const workers = { editorWorkerService, json: jsonWorker, graphql: graphqlWorker };
  const script = `const workers = ${JSON.stringify(workers)};
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_, label) => URL.createObjectURL(new Blob([workers[label]], { type: 'application/javascript' })),
};
${js}`;
  return {
    script: createAsset('graphiql', 'js', 'text/javascript; charset=utf-8', Buffer.from(script)),
    style: createAsset('graphiql', 'css', 'text/css; charset=utf-8', Buffer.from(css)),
    pageScript: createAsset('page', 'js', 'text/javascript; charset=utf-8', Buffer.from(PAGE_SCRIPT)),
    pageStyle: createAsset('page', 'css', 'text/css; charset=utf-8', Buffer.from(PAGE_STYLE)),
    icon: createAsset('icon', 'svg', 'image/svg+xml', Buffer.from(MARK)),
  };
}

function createAsset(name: string, extension: string, contentType: string, content: Buffer): Asset {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  let brotli: Promise<Buffer> | undefined;
  let gzipped: Promise<Buffer> | undefined;
  return {
    path: `${ASSETS_PATH}${name}-${hash}.${extension}`,
    contentType,
    async encoded(acceptEncoding = '') {
      if (/\bbr\b(?!;q=0\b)/.test(acceptEncoding)) {
        brotli ??= promisify(brotliCompress)(content, BROTLI);
        return { body: await brotli, encoding: 'br' };
      }
      if (/\bgzip\b(?!;q=0\b)/.test(acceptEncoding)) {
        gzipped ??= promisify(gzip)(content);
        return { body: await gzipped, encoding: 'gzip' };
      }
      return { body: content, encoding: null };
    },
  };
}

/** Quality 5 is a tenth of the time of 9, for a twentieth more bytes. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
