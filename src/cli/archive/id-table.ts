const WORDS = 4;
const FIRST_CAPACITY = 64;
const FREE = -1;

/**
 * A set of ids that numbers them as they come, in 24 to 48 bytes each: a file may have many millions of them, and
 * a `Map` of texts takes 100 and ends at 16 million.
 */
export class IdTable {
  #size = 0;
  /** The ids by number, four words each. */
  #words = new Uint32Array(FIRST_CAPACITY * WORDS);
  /** A number at the place that its id's hash says, or the next free one; at most half of them are taken. */
  #places = new Int32Array(FIRST_CAPACITY * 2).fill(FREE);

  get size(): number {
    return this.#size;
  }

  /** Adds an id of 32 hex digits. @returns whether it was not there yet: then its number is the size before */
  add(id: string): boolean {
    if (this.#size * WORDS === this.#words.length) this.#grow();
    const place = this.#find(id);
    if (this.#places[place] !== FREE) return false;
    for (let word = 0; word < WORDS; word++) this.#words[this.#size * WORDS + word] = wordOf(id, word);
    this.#places[place] = this.#size++;
    return true;
  }

  /** The number of an id, from 0 on; -1 for one that is not there. */
  numberOf(id: string): number {
    return this.#places[this.#find(id)] ?? FREE;
  }

  /** The place that an id has, or would have. */
  #find(id: string): number {
    const [a, b, c, d] = [wordOf(id, 0), wordOf(id, 1), wordOf(id, 2), wordOf(id, 3)];
    const mask = this.#places.length - 1;
    for (let place = hash(a, b, c, d) & mask; ; place = (place + 1) & mask) {
      const number = this.#places[place] ?? FREE;
      const at = number * WORDS;
      if (number === FREE) return place;
      const words = this.#words;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return place;
    }
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    const places = new Int32Array(this.#places.length * 2).fill(FREE);
    const mask = places.length - 1;
    for (let number = 0; number < this.#size; number++) {
      const at = number * WORDS;
      let place = hash(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0) & mask;
      while (places[place] !== FREE) place = (place + 1) & mask;
      places[place] = number;
    }
    this.#words = words;
    this.#places = places;
  }
}

function wordOf(id: string, word: number): number {
  return Number.parseInt(id.slice(word * 8, word * 8 + 8), 16);
}

/** Mixes all bits, so that ids that were made by hand do not all meet at one place. */
function hash(a: number, b: number, c: number, d: number): number {
  let mixed = a;
  for (const word of [b, c, d]) mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return mixed ^ (mixed >>> 16);
}
