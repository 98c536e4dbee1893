import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { residentParts } from '../../bench/resident-maps.ts';

const smaps = `00400000-00600000 r-xp 00000000 fe:00 123   /usr/bin/node
Size:               2048 kB
Rss:                1000 kB
01000000-01200000 rw-p 00000000 00:00 0     [heap]
Rss:                 100 kB
7f0000000000-7f0000021000 rw-p 00000000 00:00 0
Rss:                  10 kB
7f0010080000-7f00100c0000 rw-p 00000000 00:00 0
Rss:                 200 kB
7f0020000000-7f0020003000 rwxp 00000000 00:00 0
Rss:                   4 kB
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]
Rss:                  40 kB
`;

describe('the parts of resident memory', () => {
  it('are pages of the program, heaps of V8, malloc and the rest', () => {
    const kib = (count: number): number => count * 1024;
    const expected = { program: kib(1000), heaps: kib(204), malloc: kib(110), other: kib(40) };
    assert.deepEqual(residentParts(smaps), expected);
  });

  it('together are what the system says', () => {
    // One after the other: the reading itself takes memory.
    const [whole, each] = ['/proc/self/smaps_rollup', '/proc/self/smaps'].map((file) => readFileSync(file, 'utf8'));
    const { program, heaps, malloc, other } = residentParts(each as string);
    const rollup = Number(/Rss:\s+(\d+)/.exec(whole as string)?.[1]) * 1024;
    assert.ok(Math.abs(program + heaps + malloc + other - rollup) < rollup / 10);
  });
});
