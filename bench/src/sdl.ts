/** What every GraphQL system serves: as much of schema.graphql as the works need. */
export const SDL = /* GraphQL */ `
  scalar DateTime
  scalar JSONObject

  type Query {
    assistant(id: ID!): Assistant
    threads(
      first: Int
      after: String
      orderBy: ThreadOrderInput! = { field: CREATED_AT, direction: DESC }
    ): ThreadConnection!
  }

  type Mutation {
    createThread(input: CreateThreadInput! = {}): CreateThreadPayload!
  }

  type Subscription {
    threadChanged: ThreadChange!
  }

  type Assistant {
    id: ID!
    graphId: String!
    name: String!
    description: String
    config: JSONObject!
    context: JSONObject!
    metadata: JSONObject!
    version: Int!
    createdAt: DateTime!
    updatedAt: DateTime!
  }

  type Thread {
    id: ID!
    status: ThreadStatus!
    metadata: JSONObject!
    createdAt: DateTime!
    updatedAt: DateTime!
    runs(
      first: Int
      after: String
      orderBy: RunOrderInput! = { field: CREATED_AT, direction: DESC }
    ): RunConnection!
  }

  type Run {
    id: ID!
    status: RunStatus!
    createdAt: DateTime!
    assistant: Assistant
  }

  type ThreadConnection {
    edges: [ThreadEdge!]!
    nodes: [Thread!]!
    pageInfo: PageInfo!
  }

  type ThreadEdge {
    cursor: String!
    node: Thread!
  }

  type RunConnection {
    nodes: [Run!]!
    pageInfo: PageInfo!
  }

  type PageInfo {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }

  type CreateThreadPayload {
    thread: Thread
    userErrors: [UserError!]!
  }

  type UserError {
    code: UserErrorCode!
    message: String!
    field: [String!]
  }

  type ThreadChange {
    kind: ChangeKind!
    threadId: ID!
    thread: Thread
  }

  input CreateThreadInput {
    metadata: JSONObject
  }

  input ThreadOrderInput {
    field: ThreadOrderField!
    direction: OrderDirection!
  }

  input RunOrderInput {
    field: RunOrderField!
    direction: OrderDirection!
  }

  enum ThreadOrderField {
    CREATED_AT
    UPDATED_AT
  }

  enum RunOrderField {
    CREATED_AT
    UPDATED_AT
  }

  enum OrderDirection {
    ASC
    DESC
  }

  enum ThreadStatus {
    IDLE
    BUSY
    INTERRUPTED
    ERROR
  }

  enum RunStatus {
    PENDING
    RUNNING
    SUCCESS
    ERROR
    TIMEOUT
    INTERRUPTED
    CANCELLED
  }

  enum UserErrorCode {
    INVALID
    NOT_FOUND
    CONFLICT
  }

  enum ChangeKind {
    CREATED
    UPDATED
    DELETED
  }
`;
