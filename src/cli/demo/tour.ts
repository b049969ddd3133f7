import type { Seeded } from './seed.ts';

/** What a new user can do with the demo, as text for a terminal. */
export function tour(url: string, { assistantId, asking }: Seeded): string {
  return `
The demo runs: a server, a worker that executes the graph "demo", and two threads of the owner dev.

Open ${url} in a browser. GraphiQL sends a token of dev.

1. Open the tab List, and press ▶. You see the assistant, its threads, and their runs.

2. Start a run, and copy its id. Paste this in a new tab, and press ▶:

   mutation {
     createRun(input: { assistantId: "${assistantId}", input: { text: "Hello" } }) { run { id } }
   }

3. Watch its words come. Paste this in another tab, with that id:

   subscription {
     runEvents(runId: "THE RUN'S ID") { events { type data } status done }
   }

4. The second thread's run asks for your name. Answer it, and read what the worker says:

   mutation {
     createRun(input: {
       assistantId: "${assistantId}", threadId: "${asking.threadId}"
       resumes: "${asking.id}", input: { text: "YOUR NAME" }
     }) { run { id } userErrors { message } }
   }

Ctrl-C ends the demo. Its data is in memory, and goes with it.
`;
}
