/**
 * Extension of scalars and fields whose values are strings of printable ASCII that JSON has unescaped, whatever
 * clients send: ids, timestamps, cursors. They are serialized without a check of each character.
 */
export const PLAIN_TEXT = 'plainText';

/**
 * Extension of subscription fields whose events are the same for all subscribers with the same owner, operation and
 * variables, whenever they subscribed. Each event is executed once for all of them.
 */
export const SHARED_EVENTS = 'sharedEvents';

/** Extension of fields that take `first`, the largest that they accept. Default: that of a page. */
export const MAX_ITEMS = 'maxItems';

/**
 * Extension of mutation fields about one thing: the key of their `input` that names it. Such fields about different
 * things are independent of each other: those that follow each other in a request begin together.
 */
export const SUBJECT = 'subject';
