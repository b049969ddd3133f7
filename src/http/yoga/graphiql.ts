import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { graphiqlAssets } from './graphiql-assets.ts';
import { MARK } from './mark.ts';
import { TOUR } from './tour.ts';

/** An owner that the page can act as. */
export interface PageOwner {
  readonly owner: string;
  readonly token: string;
}

/**
 * Renders the GraphiQL page, which asks no other host for anything.
 * @param mintOwners returns the owners that the page can act as, the first one at first; null where no token is given
 * away
 * @param nonce marks the scripts that may run
 */
export async function renderPage(
  mintOwners: (() => MaybePromise<readonly PageOwner[]>) | null,
  nonce: string,
): Promise<string> {
  const { script, style, pageScript, pageStyle, icon } = await graphiqlAssets();
  const owners = mintOwners === null ? [] : await mintOwners();
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>agent-graphql</title>
    <link rel="icon" href="${icon.path}" />
    <link rel="stylesheet" href="${style.path}" />
    <link rel="stylesheet" href="${pageStyle.path}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <header id="bar">
      ${MARK}
      <h1>agent-graphql</h1>
      <div id="owners" hidden>
        <label><span>Owner</span> <select id="owner" title="Whose token the requests carry"></select></label>
        <button id="copy" type="button">Copy token</button>
      </div>
      <span id="no-owner" hidden>Put a token under Headers</span>
      <button id="restart" type="button" title="Closes all tabs, and opens those of the tour">Restart</button>
    </header>
    <main id="root"></main>
    <section id="events" aria-label="Events" hidden>
      <header>
        <h2>Events</h2>
        <span id="event-count">0</span>
        <span id="event-state" role="status"></span>
        <button id="stop" type="button">Stop</button>
        <button id="clear" type="button" hidden>Clear</button>
      </header>
      <ol id="event-list" reversed></ol>
    </section>
    <script nonce="${nonce}" src="${script.path}"></script>
    <script nonce="${nonce}" src="${pageScript.path}"></script>
    <script nonce="${nonce}">
      openPage(${inScript({ tour: TOUR, owners })});
    </script>
  </body>
</html>
`;
}

/** A value as JavaScript inside a script element. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}
