import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DamagedFile } from './data-file-errors.ts';

/**
 * Checks the structure of every page of an LMDB file that its newest transaction can reach, before LMDB maps the file
 * into memory: a damaged page would end the process by a signal, then or at a later write. Reading the file in a child
 * process first would not find damage in the pages of free space. It checks format 2, little-endian, 64 bits: LMDB's
 * package has no binaries for other machines.
 * @returns how many pages there are
 * @throws DamagedFile about the first page that is not valid
 * @see https://github.com/LMDB/lmdb/blob/mdb.master/libraries/liblmdb/mdb.c `MDB_page_header`, `MDB_node`, `MDB_meta`
 */
export function checkPages(path: string): number {
  const fd = openSync(path, 'r');
  try {
    return new PageCheck(fd, fstatSync(fd).size).run();
  } finally {
    closeSync(fd);
  }
}

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const HEADER = 24;
const META_SIZE = 144;
const NODE_HEADER = 8;
const NO_PAGE = 2n ** 64n - 1n;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const META = 0x08;
const KIND = 0x7f;
const BIG_DATA = 0x01;
const SUB_DATABASE = 0x02;

/** The fields of `MDB_db` that describe a B+ tree. */
interface Tree {
  readonly depth: number;
  readonly entries: number;
  readonly root: bigint;
}

class PageCheck {
  readonly #fd: number;
  readonly #size: number;
  #pageSize = 0;
  /** The number after that of the last page. */
  #end = 0;
  /** The id of the newest transaction. */
  #newest = 0n;
  #seen = new Uint8Array(0);
  #count = 2;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
  }

  run(): number {
    const head = this.#readAt(0, HEADER + META_SIZE);
    this.#checkMeta(head);
    this.#pageSize = head.readUInt32LE(HEADER + 24);
    if (![512, 1024, 2048, 4096, 8192, 16384, 32768].includes(this.#pageSize))
      throw new DamagedFile('its first page has no valid page size');
    const other = this.#readAt(this.#pageSize, HEADER + META_SIZE);
    this.#checkMeta(other);
    const meta = head.readBigUInt64LE(HEADER + 128) > other.readBigUInt64LE(HEADER + 128) ? head : other;
    if (meta.readUInt32LE(HEADER + 24) !== this.#pageSize)
      throw new DamagedFile('its first pages contradict each other');

    this.#newest = meta.readBigUInt64LE(HEADER + 128);
    const end = Number(meta.readBigUInt64LE(HEADER + 120)) + 1;
    if (end * this.#pageSize > Number(meta.readBigUInt64LE(HEADER + 16))) {
      throw new DamagedFile('it has more pages than fit into its map');
    }
    // The last pages may be missing in the file: free pages need not have been written.
    this.#end = Math.min(end, Math.floor(this.#size / this.#pageSize));
    this.#seen = new Uint8Array(this.#end);
    this.#checkTree(readTree(meta, HEADER + 24), 'free');
    this.#checkTree(readTree(meta, HEADER + 72), 'main');
    return this.#count;
  }

  #checkMeta(page: Buffer): void {
    if ((page.readUInt16LE(18) & META) === 0 || page.readUInt32LE(HEADER) !== MAGIC)
      throw new DamagedFile('it is no LMDB file');
    if (page.readUInt16LE(HEADER + 4) !== FORMAT)
      throw new DamagedFile('it is an LMDB file of another format');
  }

  #checkTree({ depth, entries, root }: Tree, kind: 'free' | 'main' | 'named'): void {
    if (root === NO_PAGE) {
      if (entries !== 0) throw new DamagedFile('a tree has no root');
      return;
    }
    const found = this.#checkSubtree(root, depth, kind);
    if (found !== entries) throw new DamagedFile(`a tree has ${found} entries instead of ${entries}`);
  }

  /** Checks the tree below a page. Returns the number of its entries. */
  #checkSubtree(number: bigint, depth: number, kind: 'free' | 'main' | 'named'): number {
    const page = this.#claim(number, 1);
    const flags = page.readUInt16LE(18) & KIND;
    if (flags !== (depth > 1 ? BRANCH : LEAF)) throw this.#damaged(number, 'is of another kind');
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    const keys = lower >> 1;
    if (keys === 0 || lower > upper || HEADER + upper > this.#pageSize)
      throw this.#damaged(number, 'has wrong bounds');
    let entries = 0;
    for (let i = 0; i < keys; i++) {
      const node = HEADER + page.readUInt16LE(HEADER + 2 * i);
      if (node < HEADER + upper || node + NODE_HEADER > this.#pageSize)
        throw this.#damaged(number, 'has an entry outside of it');
      const data = node + NODE_HEADER + page.readUInt16LE(node + 6);
      if (data > this.#pageSize) throw this.#damaged(number, 'has a key that goes beyond it');
      if (depth > 1) {
        const child = BigInt(page.readUInt32LE(node)) + (BigInt(page.readUInt16LE(node + 4)) << 32n);
        entries += this.#checkSubtree(child, depth - 1, kind);
      } else {
        this.#checkLeaf(
          number,
          page,
          { at: data, size: page.readUInt32LE(node), flags: page.readUInt16LE(node + 4) },
          kind,
        );
        entries++;
      }
    }
    return entries;
  }

  #checkLeaf(
    number: bigint,
    page: Buffer,
    { at, size, flags }: { readonly at: number; readonly size: number; readonly flags: number },
    kind: 'free' | 'main' | 'named',
  ): void {
    const big = flags === BIG_DATA;
    if (!big && flags !== (kind === 'main' ? SUB_DATABASE : 0))
      throw this.#damaged(number, 'has an entry of another kind');
    const length = big ? 24 : size;
    if (at + length > this.#pageSize || (flags === SUB_DATABASE && size !== 48))
      throw this.#damaged(number, 'has a value that goes beyond it');
    if (flags === SUB_DATABASE) return this.#checkTree(readTree(page, at), 'named');
    if (!big) return;
    const [first, pages] = [page.readBigUInt64LE(at), page.readBigUInt64LE(at + 16)];
    const needed = Math.ceil((HEADER + size) / this.#pageSize);
    if (pages !== BigInt(needed)) throw this.#damaged(number, 'has a value of another length');
    const value = this.#claim(first, needed);
    if ((value.readUInt16LE(18) & KIND) !== OVERFLOW || value.readUInt32LE(20) !== needed)
      throw this.#damaged(first, 'is of another kind');
  }

  /** Reads the first of consecutive pages, and checks that nothing else refers to any of them. */
  #claim(number: bigint, pages: number): Buffer {
    if (number < 2n || number + BigInt(pages) > BigInt(this.#end)) throw this.#damaged(number, 'is missing');
    const first = Number(number);
    for (let i = first; i < first + pages; i++) {
      if (this.#seen[i] === 1) throw this.#damaged(number, 'is in two places');
      this.#seen[i] = 1;
    }
    this.#count += pages;
    const page = this.#readAt(first * this.#pageSize, this.#pageSize);
    if (page.readBigUInt64LE(0) !== number) throw this.#damaged(number, 'is another one');
    // LMDB would overwrite a page of a later transaction in place.
    if (page.readBigUInt64LE(8) > this.#newest) throw this.#damaged(number, 'is newer than the file');
    return page;
  }

  #readAt(position: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    if (readSync(this.#fd, buffer, 0, length, position) !== length) throw new DamagedFile('it is cut off');
    return buffer;
  }

  #damaged(number: bigint, problem: string): DamagedFile {
    return new DamagedFile(`page ${number} ${problem}`);
  }
}

function readTree(page: Buffer, at: number): Tree {
  return {
    depth: page.readUInt16LE(at + 6),
    entries: Number(page.readBigUInt64LE(at + 32)),
    root: page.readBigUInt64LE(at + 40),
  };
}
