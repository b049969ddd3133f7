/**
 * The script of the GraphiQL page, for browsers: `openPage({ tour, owners })` sends the requests of GraphiQL, with the
 * token of the chosen owner, and lists the events of its subscriptions.
 */
export const PAGE_SCRIPT = String.raw`'use strict';
const MAX_EVENTS = 200;
const PREFIX = 'agent-graphql:';
const find = (id) => document.getElementById(id);

function openPage({ tour, owners }) {
  const storage = createStorage();
  const owner = openOwners(owners);
  const tabs = tour.map(({ query, variables }) => ({ query, variables: variables ? format(variables) : '' }));
  restoreTab(storage, tabs);
  const events = openEvents();
  const answers = createAnswers();
  const page = { tab: 0 };
  find('restart').addEventListener('click', () => {
    storage.clear();
    // GraphiQL keeps its tabs some time after a change of theirs, also while the page is left.
    storage.setItem = () => {};
    location.assign(location.pathname);
  });
  YogaGraphiQL.renderYogaGraphiQL(find('root'), {
    title: 'agent-graphql',
    storage,
    defaultTabs: tabs,
    // Headers may hold tokens.
    shouldPersistHeaders: false,
    // GraphiQL would put each edit into the address.
    onEditQuery: () => {},
    onTabChange: ({ activeTabIndex }) => { page.tab = activeTabIndex; },
    fetcher: createFetcher({ owner, events, answers, page }),
  });
}

// GraphiQL's tabs and settings, apart from those of other servers that this address had before.
function createStorage() {
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  return {
    getItem: (key) => localStorage.getItem(PREFIX + key),
    setItem: (key, value) => localStorage.setItem(PREFIX + key, value),
    removeItem: (key) => localStorage.removeItem(PREFIX + key),
    clear: () => keys().forEach((key) => localStorage.removeItem(key)),
    get length() { return keys().length; },
  };
}

// GraphiQL looks for the tab of the query and variables that it kept. It keeps them at another time than its tabs, and
// would open one more tab where they differ.
function restoreTab(storage, tabs) {
  let kept = null;
  try {
    kept = JSON.parse(storage.getItem('graphiql:tabState'));
  } catch {}
  const active = kept?.tabs?.[kept.activeTabIndex] ?? tabs[0];
  storage.setItem('graphiql:query', active.query ?? '');
  storage.setItem('graphiql:variables', active.variables ?? '');
}

// Another owner needs another page: its results and subscriptions are the owner's.
function openOwners(owners) {
  const chosen = owners.find(({ owner }) => owner === sessionStorage.getItem(PREFIX + 'owner')) ?? owners[0] ?? null;
  const select = find('owner');
  select.replaceChildren(...owners.map(({ owner }) => new Option(owner, owner, false, owner === chosen?.owner)));
  select.addEventListener('change', () => {
    sessionStorage.setItem(PREFIX + 'owner', select.value);
    location.reload();
  });
  find('owners').hidden = chosen === null;
  find('no-owner').hidden = chosen !== null;
  // Browsers have it for localhost and https alone.
  find('copy').hidden = navigator.clipboard === undefined;
  find('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText(chosen.token);
    find('copy').textContent = 'Copied';
  });
  return chosen;
}

// The latest ids and the latest lease that a mutation answered with, also of the owner before.
function createAnswers() {
  const key = PREFIX + 'answers';
  const known = JSON.parse(sessionStorage.getItem(key) ?? '{}');
  return {
    read(data) {
      for (const payload of Object.values(data ?? {})) {
        const { runId, lease } = payload?.claims?.[0] ?? {};
        const found = { assistantId: payload?.assistant?.id, runId: payload?.run?.id ?? runId, lease };
        for (const [name, value] of Object.entries(found)) if (typeof value === 'string') known[name] = value;
      }
      sessionStorage.setItem(key, JSON.stringify(known));
    },
    fillIn(value) {
      if (Array.isArray(value)) return value.map((item) => this.fillIn(item));
      if (typeof value === 'object' && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.fillIn(item)]));
      }
      const name = typeof value === 'string' ? /^\{\{(\w+)\}\}$/.exec(value)?.[1] : undefined;
      if (name === undefined) return value;
      if (Object.hasOwn(known, name)) return known[name];
      throw new Error('No answer has had a ' + name + ' yet: press play in the tabs to the left of this one.');
    },
  };
}

function createFetcher({ owner, events, answers, page }) {
  return async ({ query, operationName: latest, variables }, { headers } = {}) => {
    // Right after a change of tabs, GraphiQL still has the name of the operation in the tab before.
    const names = [...query.matchAll(/^\s*(?:query|mutation|subscription)\s+(\w+)/gm)].map(([, name]) => name);
    const operationName = names.includes(latest) ? latest : names.length === 1 ? names[0] : undefined;
    const stop = new AbortController();
    const response = await fetch(location.pathname, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, text/event-stream',
        ...(owner && { Authorization: 'Bearer ' + owner.token }),
        ...headers,
      },
      body: JSON.stringify({ query, operationName, variables: answers.fillIn(variables) }),
      signal: stop.signal,
    });
    if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
      const result = await response.json();
      if (/^\s*mutation\b/m.test(query)) answers.read(result.data);
      return result;
    }
    return { subscribe: (observer) => subscribe({ response, stop, observer, name: operationName, events, page }) };
  };
}

// GraphiQL stops a subscription also when another tab is opened: only its own button ends it here.
function subscribe({ response, stop, observer, name, events, page }) {
  let isShown = true;
  const end = (state) => {
    stop.abort();
    events.setState(state);
    if (isShown) observer.complete();
    isShown = false;
  };
  const entry = events.begin(name ?? 'subscription', () => end('stopped'));
  readEvents(response.body, (result) => {
    entry.add(result);
    if (isShown) observer.next(result);
  }).then(
    (isComplete) => end(isComplete ? 'complete' : 'connection lost: press play again'),
    () => stop.signal.aborted || end('connection lost: press play again'),
  );
  return {
    unsubscribe() {
      isShown = false;
      const { tab } = page;
      queueMicrotask(() => page.tab === tab && entry.isCurrent() && end('stopped'));
    },
  };
}

// Server-Sent Events, as graphql-sse has them. Returns whether the last one was complete.
async function readEvents(body, onResult) {
  let text = '';
  for (const reader = body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return false;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      if (/^event: ?complete$/m.test(block)) return true;
      const data = /^data: ?(.+)$/m.exec(block)?.[1];
      if (data !== undefined) onResult(JSON.parse(data));
    }
  }
}

// The list of events, newest first. One subscription is followed at a time: browsers open six connections to a server.
function openEvents() {
  const list = find('event-list');
  let stopCurrent = null;
  let current = 0;
  const setState = (state) => {
    find('event-state').textContent = state;
    find('stop').hidden = state !== 'live';
    find('events').dataset.state = state;
  };
  const count = () => {
    find('event-count').textContent = String(list.children.length);
    find('clear').hidden = list.children.length === 0;
  };
  find('stop').addEventListener('click', () => stopCurrent?.());
  find('clear').addEventListener('click', () => {
    list.replaceChildren();
    count();
  });
  return {
    setState,
    begin(name, stop) {
      stopCurrent?.();
      stopCurrent = stop;
      const mine = (current += 1);
      find('events').hidden = false;
      setState('live');
      return {
        isCurrent: () => mine === current,
        add(result) {
          list.prepend(eventItem(name, result));
          while (list.children.length > MAX_EVENTS) list.lastElementChild.remove();
          count();
        },
      };
    },
  };
}

function eventItem(name, result) {
  const now = new Date();
  const time = element('time', now.toLocaleTimeString('en-GB') + '.' + String(now.getMilliseconds()).padStart(3, '0'));
  const summary = document.createElement('summary');
  summary.append(time, element('b', name), element('code', summaryOf(result)));
  const details = document.createElement('details');
  details.append(summary, element('pre', format(result)));
  const item = document.createElement('li');
  item.append(details);
  return item;
}

// What one line has room for: what the only field holds, without quotation marks.
function summaryOf({ errors, data }) {
  const values = Object.values(data ?? {});
  return JSON.stringify(errors ?? (values.length === 1 ? values[0] : data)).replaceAll('"', '').replaceAll(/[:,]/g, '$& ');
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function format(value) {
  return JSON.stringify(value, null, 2);
}
`;
