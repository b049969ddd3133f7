import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { graphiqlAssets } from './graphiql-assets.ts';

/**
 * Renders the GraphiQL page, which asks no other host for anything.
 * @param token returns the token that the page's requests carry; null where none is given away
 * @param nonce marks the scripts that may run
 */
export async function renderPage(token: (() => MaybePromise<string>) | null, nonce: string): Promise<string> {
  const { script, style, icon } = await graphiqlAssets();
  const options = {
    title: 'agent-graphql',
    defaultQuery: DEFAULT_QUERY,
    // A kept token would have ended when the page is opened again: each page brings its own.
    shouldPersistHeaders: false,
    ...(token !== null && {
      headers: JSON.stringify({ Authorization: `Bearer ${await token()}` }, null, 2),
    }),
  };
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>agent-graphql</title>
    <link rel="icon" href="${icon.path}" />
    <link rel="stylesheet" href="${style.path}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
    <script nonce="${nonce}" src="${script.path}"></script>
    <script nonce="${nonce}">
      ${KEEP_QUERY};
      YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), ${inScript(options)});
    </script>
  </body>
</html>
`;
}

/** A value as JavaScript inside a script element. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}

const DEFAULT_QUERY = `# What you have: press ▶. How to make more is below.
query Overview {
  assistants(first: 5) {
    totalCount
    nodes { id name graphId version }
  }
  threads(first: 5) {
    totalCount
    nodes {
      id
      status
      metadata
      runs(first: 3) {
        nodes { id status assistant { name } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}

# Put one of these in the place of the query:
#
# mutation {
#   createAssistant(input: { graphId: "support" }) {
#     assistant { id name version }
#     userErrors { code message field }
#   }
# }
#
# mutation { createThread { thread { id status } } }
#
# mutation {
#   createRun(input: { threadId: "", assistantId: "" }) {
#     run { id status thread { status } }
#     userErrors { code message field }
#   }
# }
#
# and watch it in another tab:
#
# subscription { runChanged { kind run { id status } } }
`;

/** GraphiQL keeps a query once it is edited. At a reload without one it would open an empty tab beside the first. */
const KEEP_QUERY = `localStorage.getItem('graphiql:query') ?? localStorage.setItem('graphiql:query', ${JSON.stringify(DEFAULT_QUERY)})`;
