/** The style of the GraphiQL page around GraphiQL: the bar above it, the list of events below, and all of it on a phone. */
export const PAGE_STYLE = `
body {
  color-scheme: light dark;
  --bar: light-dark(#f4f6f8, #1a212c); --text: light-dark(#24303f, #dfe6ee); --muted: light-dark(#5b6b80, #9aa9bb);
  --line: light-dark(#d5dce4, #35404f); --accent: light-dark(#0f766e, #5eead4);
}
/* What is chosen in GraphiQL's settings. */
body.graphiql-light { color-scheme: light; }
body.graphiql-dark { color-scheme: dark; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; height: 100dvh; overflow: hidden; background: var(--bar); color: var(--text); font: 14px/1.5 Roboto, system-ui, sans-serif; }
[hidden] { display: none !important; }
#root { flex: 1; min-height: 0; }
#root .graphiql-container { width: 100%; height: 100%; }
.graphiql-container .graphiql-logo { display: none; }
#bar, #events header { display: flex; align-items: center; gap: 8px; padding: 6px 12px; }
#bar { border-bottom: 1px solid var(--line); }
#bar svg { width: 24px; height: 24px; flex: none; }
#bar h1 { min-width: 0; margin: 0 auto 0 0; overflow: hidden; font-size: 16px; font-weight: 500; text-overflow: ellipsis; white-space: nowrap; }
#owners { display: flex; align-items: center; gap: 8px; }
#bar select, #bar button, #events button { min-height: 32px; padding: 2px 10px; border: 1px solid var(--line); border-radius: 6px; background: transparent; color: inherit; font: inherit; cursor: pointer; white-space: nowrap; }
#bar option { background: var(--bar); }
#bar button:hover, #events button:hover { border-color: var(--accent); }
#bar :focus-visible, #events :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#events { display: flex; flex-direction: column; max-height: 32dvh; border-top: 1px solid var(--line); }
#events h2 { margin: 0; font-size: 14px; font-weight: 500; }
#event-count { min-width: 20px; padding: 0 6px; border-radius: 10px; background: var(--line); font-size: 12px; text-align: center; }
#event-state { margin-right: auto; color: var(--muted); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#events[data-state='live'] #event-state::before { content: ''; display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 50%; background: #22c55e; }
#event-list { flex: 1; min-height: 40px; margin: 0; padding: 0 12px 8px; overflow: auto; list-style: none; font: 12px/1.7 'Fira Code', ui-monospace, monospace; }
#event-list summary { display: flex; gap: 12px; cursor: pointer; white-space: nowrap; }
#event-list time { color: var(--muted); }
#event-list b { color: var(--accent); font-weight: 500; }
#event-list code { overflow: hidden; text-overflow: ellipsis; font: inherit; }
#event-list pre { margin: 0 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
@media (max-width: 700px) {
  #bar { gap: 6px; padding: 6px 8px; }
  #owners { gap: 6px; }
  #owners label span { position: absolute; clip-path: inset(50%); }
  #bar select, #bar button { padding: 2px 7px; }
  #root .graphiql-container { flex-direction: column-reverse; }
  .graphiql-container .graphiql-sidebar { flex-direction: row; width: auto; padding: 0 8px; overflow: auto hidden; }
  .graphiql-container .graphiql-main { flex-direction: column; min-height: 0; }
  .graphiql-container .graphiql-sessions { min-height: 0; margin: 4px; border-radius: 8px; }
  .graphiql-container #graphiql-session { flex-direction: column; min-height: 0; }
  .graphiql-container .graphiql-editors, .graphiql-container .graphiql-response { min-height: 0; }
  .graphiql-container .graphiql-query-editor { padding: 8px; }
  .graphiql-container .graphiql-editor-tool, .graphiql-container .graphiql-editor-tools { padding: 0 8px; }
  .graphiql-container .graphiql-response { padding-top: 8px; }
  .graphiql-container .graphiql-horizontal-drag-bar { display: none; }
  #event-list summary { gap: 8px; }
  #event-list b { display: none; }
}
`;
