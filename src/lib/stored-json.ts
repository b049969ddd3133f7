/**
 * A stored JSON object whose compact JSON, as `JSON.stringify` makes it, is written into responses as it is. Whoever
 * needs the object parses it.
 */
export class StoredJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The object. `JSON.stringify` calls this. */
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}
