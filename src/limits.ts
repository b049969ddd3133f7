/** The limits of a request, a connection and an owner. What exceeds one is refused with LIMIT_EXCEEDED. */

/**
 * Bytes of a request's body: room for the largest payload of a run, four times over, since some clients send six
 * characters for one that takes two bytes.
 */
export const MAX_BODY_BYTES = 2_097_152;

/** Bytes of a document in UTF-8. Clients write fields, not data: GraphiQL's introspection query has 2 KB. */
export const MAX_DOCUMENT_BYTES = 65_536;

/** Tokens of a document: parsing and validating cost by the token. */
export const MAX_TOKENS = 5_000;

/** Fields within fields. A connection takes two levels, so this is four lists within each other, and more. */
export const MAX_DEPTH = 12;

/**
 * Fields and fragments of a document, with fragments followed: the introspection query has 250. Aliases are few, so
 * more than the fields of many screens are repetitions: validation compares each with each other, and graphql-js
 * gives up at about 700 of one name.
 * Plain `__typename`s count here alone, for clients add one to each selection.
 */
export const MAX_SELECTIONS = 700;

/** Errors of a response's validation: the first ones say what is wrong. */
export const MAX_ERRORS = 5;

/** Keys of an input object: the largest has ten. */
export const MAX_INPUT_KEYS = 100;

/** Fields under another name, `__typename` included. Each is executed by itself. */
export const MAX_ALIASES = 30;

/** Fields of the query or mutation itself. */
export const MAX_ROOT_FIELDS = 20;

/** Directives: each is evaluated. */
export const MAX_DIRECTIVES = 50;

/** Introspection: `ofType` within `ofType`, as in the standard introspection query. It stands for `[[T!]!]!` thrice. */
export const MAX_OF_TYPES = 9;

/** Introspection: `fields`, `inputFields`, `interfaces`, `possibleTypes` within each other, as in the same query. */
export const MAX_TYPE_LISTS = 1;

/** Objects that a request could return. 20 threads with 20 runs each and their assistants are fewer than 1,000. */
export const MAX_COST = 10_000;

/** Bytes of memory that documents may take, parsed and compiled, by estimate: 150 screens, or 100 introspection queries. */
export const DOCUMENT_CACHE_BYTES = 16_777_216;

/** Milliseconds that a request may run. Then it is cancelled. */
export const REQUEST_TIME = 15_000;

/** Milliseconds in which the headers must have arrived. */
export const HEADERS_TIME = 10_000;

/** Milliseconds that a connection without a request is kept: longer than the 60 s of common balancers. */
export const KEEP_ALIVE_TIME = 75_000;

/** Milliseconds in which the whole request must have arrived. */
export const BODY_TIME = 30_000;

/** Open subscriptions of one owner: a few screens on a few devices. */
export const MAX_SUBSCRIPTIONS_OF_OWNER = 50;

/** Open subscriptions in all: about 9 KB of memory each, with the connection. */
export const MAX_SUBSCRIPTIONS = 10_000;

/** Calls of one owner that may wait at once: its workers' claims and heartbeats, and those for a run's end. */
export const MAX_WAITS_OF_OWNER = 1_000;

/** Calls that may wait in all: about 8 KB of memory each, with the connection. */
export const MAX_WAITS = 20_000;

/**
 * Events of one run a second, at one server: a model streams 100 tokens a second or so. Each is stored, and sent to each
 * reader.
 */
export const MAX_EVENT_RATE = 2_000;

/** Events of one run at once: what a worker has collected while the server was away. */
export const MAX_EVENT_BURST = 4_000;

/** Runs whose events are counted, the most recent ones: those of some minutes. About 0.5 KB of memory each. */
export const MAX_COUNTED_RUNS = 10_000;

/** Events of a run in one batch of a subscription. */
export const MAX_EVENTS_OF_BATCH = 500;

/** Bytes of events in one batch of a subscription, about: several fit into what may wait for a subscriber. */
export const MAX_BYTES_OF_BATCH = 524_288;

/** Operations that may be open on one WebSocket at once. */
export const MAX_SOCKET_OPERATIONS = 100;

/** Events that may wait to be executed for a subscription: beyond, the owner's next mutation ends it. */
export const MAX_EVENTS_BEHIND = 1_000;

/**
 * Bytes of payloads that those events may hold, about: 20 mutations of one request, each of a run with the largest input,
 * output and checkpoint. Events of the same version of a run share theirs, with each other and with the store.
 */
export const MAX_PAYLOAD_BYTES_BEHIND = 33_554_432;

/** Bytes of results that may wait for one subscriber who reads slowly: some 10,000 events of a list on a screen. */
export const MAX_BYTES_BEHIND = 4_194_304;

/** Bytes of a response: 100 records with all the JSON that they may have. */
export const MAX_RESPONSE_BYTES = 16_777_216;

/** Milliseconds in which a connection must read something of what is sent: three pings of a subscription. */
export const STALL_TIME = 36_000;

/** Owners whose requests are counted by the rate limiter, the most recent ones. About 0.5 KB of memory each. */
export const MAX_COUNTED_OWNERS = 10_000;

/**
 * How much the heap may grow, in percent, before V8 collects it. By itself V8 lets a small heap become four times as
 * large: garbage of large requests alone then takes over 100 MiB. With less, requests that wait for PostgreSQL make it
 * collect the whole heap ten times a second.
 */
export const HEAP_GROWTH = 100;

/** Milliseconds in which waiting calls are answered during a shutdown. */
export const WAITS_SHUTDOWN_TIMEOUT = 2_000;

/** Milliseconds in which running requests may finish during a shutdown, after the waiting calls. */
export const SHUTDOWN_TIMEOUT = 10_000;
