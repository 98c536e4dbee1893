/** The resident memory of a process by what it is for, in bytes. */
export interface ResidentParts {
  /** Pages of the program and of libraries: shared with other processes that run the same Node. */
  readonly program: number;
  /** Heaps of V8, of all threads, and its machine code. */
  readonly heaps: number;
  /** Memory of malloc: handles of libuv, what V8 compiles with, OpenSSL. */
  readonly malloc: number;
  /** Stacks of threads and shared memory. */
  readonly other: number;
}

const mapping = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)\s*(.*)$/;

/** From the text of /proc/PID/smaps. glibc's further arenas begin at multiples of 64 MiB, V8's pages at multiples of 256 KiB. */
export function residentParts(smaps: string): ResidentParts {
  const parts = { program: 0, heaps: 0, malloc: 0, other: 0 };
  let part: keyof ResidentParts = 'other';
  for (const line of smaps.split('\n')) {
    const found = mapping.exec(line);
    if (found !== null) part = partOf(found);
    const resident = /^Rss:\s+(\d+) kB/.exec(line)?.[1];
    if (resident !== undefined) parts[part] += Number(resident) * 1024;
  }
  return parts;
}

function partOf([, from = '', to = '', rights = '', inode = '', name = '']: RegExpExecArray): keyof ResidentParts {
  if (inode !== '0' && !name.startsWith('/dev/') && !name.startsWith('/memfd:')) return 'program';
  if (name === '[heap]') return 'malloc';
  if (name !== '') return 'other';
  if (rights.includes('x')) return 'heaps';
  const start = BigInt(`0x${from}`);
  const size = BigInt(`0x${to}`) - start;
  if (start % (64n << 20n) === 0n && size % (256n << 10n) !== 0n) return 'malloc';
  return start % (256n << 10n) === 0n || size % (256n << 10n) === 0n ? 'heaps' : 'other';
}
