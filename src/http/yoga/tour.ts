/** A tab of GraphiQL. */
export interface TourTab {
  /** Its operation has a name: the tab's title. */
  readonly query: string;
  /**
   * A text `{{name}}` in them stands for the latest `assistantId`, `runId` or `lease` that a mutation answered with: the
   * page fills it in.
   */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/**
 * The tabs that GraphiQL opens with. Executed from left to right, they create a run, watch it, execute it as a worker
 * does, and list what is stored.
 */
export const TOUR: readonly TourTab[] = [
  {
    query: `# 1. Press play, here and in each tab to the right.
# This creates an assistant: by its idempotency
# key only one, however often you press it.
mutation Assistant($input: CreateAssistantInput!) {
  createAssistant(input: $input) {
    assistant { id name graphId version metadata }
    replayed
    userErrors { code message field }
  }
}
`,
    variables: { input: { graphId: 'echo', name: 'Tour', idempotencyKey: 'tour' } },
  },
  {
    query: `# 2. Press play, and go on to the next tab: each
# change of your runs is listed below.
subscription Watch {
  runChanged {
    kind
    run {
      status id attempt worker
      thread { status }
    }
  }
}
`,
  },
  {
    query: `# 3. This creates a run, on a thread of its own.
# The list shows it: CREATED, PENDING.
# Variables: {{assistantId}} is the assistant's
# id, from the answer in the first tab.
mutation Run($input: CreateRunInput!) {
  createRun(input: $input) {
    run { id status thread { id status } }
    userErrors { code message field }
  }
}
`,
    variables: { input: { assistantId: '{{assistantId}}', input: { text: 'Hello' } } },
  },
  {
    query: `# 4. This takes the run, as workers do: RUNNING.
# No claims? A worker of yours was faster: go on
# with the tab Events.
mutation Claim($input: ClaimRunsInput!) {
  claimRuns(input: $input) {
    claims { runId graphId input attempt lease }
    userErrors { code message field }
  }
}
`,
    variables: { input: { worker: 'GraphiQL', graphIds: ['echo'], leaseSeconds: 300, waitSeconds: 0 } },
  },
  {
    query: `# 5. This sends what the agent says, and ends the
# run: SUCCESS, and its thread is IDLE.
mutation Finish(
  $events: AppendRunEventsInput!
  $end: FinishRunInput!
) {
  appendRunEvents(input: $events) {
    lease { held storedEvents }
    userErrors { code message field }
  }
  finishRun(input: $end) {
    accepted
    status
    userErrors { code message field }
  }
}
`,
    variables: {
      events: {
        lease: '{{lease}}',
        offset: 0,
        events: [
          { type: 'TEXT_MESSAGE_START', data: { messageId: 'm1', role: 'assistant' } },
          { type: 'TEXT_MESSAGE_CONTENT', data: { messageId: 'm1', delta: 'Hello ' } },
          { type: 'TEXT_MESSAGE_CONTENT', data: { messageId: 'm1', delta: 'to you!' } },
          { type: 'TEXT_MESSAGE_END', data: { messageId: 'm1' } },
        ],
      },
      end: { lease: '{{lease}}', status: 'SUCCESS', output: { text: 'Hello to you!' } },
    },
  },
  {
    query: `# 6. What the agent said, as front ends get it:
# stored events first, then each as it comes,
# until the run has ended.
subscription Events($runId: ID!) {
  runEvents(runId: $runId) {
    status
    events { seq type data }
    last
    done
  }
}
`,
    variables: { runId: '{{runId}}' },
  },
  {
    query: `# 7. What is stored. Choose another owner above,
# and press play: nothing of it is theirs.
query List($first: Int!) {
  threads(first: $first) {
    totalCount
    nodes {
      id status values
      runs(first: 3) {
        nodes { id status assistant { name } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
  assistants(first: $first) {
    totalCount
    nodes { id name graphId version }
  }
}
`,
    variables: { first: 5 },
  },
];
