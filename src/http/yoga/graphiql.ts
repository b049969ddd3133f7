import type { MaybePromise } from '../../lib/maybe-promise.ts';

/**
 * The GraphiQL page, whole in itself: it asks no other host for anything.
 * @param token makes the token that the page's requests carry, if there is one to be given to whoever opens it
 * @param nonce what marks the scripts that may run
 */
export async function renderPage(token: (() => MaybePromise<string>) | null, nonce: string): Promise<string> {
  // 9 MB of page, read only by those who look at it.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({
    title: 'agent-graphql',
    defaultQuery: DEFAULT_QUERY,
    // A token that was kept would have ended by the time that the page is opened again: each page brings its own.
    shouldPersistHeaders: false,
    ...(token !== null && {
      headers: JSON.stringify({ Authorization: `Bearer ${await token()}` }, null, 2),
    }),
  });
  return page
    .replace(ROOT, () => `${ROOT}\n<script>${KEEP_QUERY}</script>`)
    .replaceAll(SCRIPT, `$1<script nonce="${nonce}">`);
}

const ROOT = '<div id="root"></div>';

/** A script of the page, rather than one that is named within a script. */
const SCRIPT = /^( *)<script>/gm;

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
