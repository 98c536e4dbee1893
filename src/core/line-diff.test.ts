import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DiffLine, diffOfTexts } from './line-diff.ts';

const signs = { added: '+', removed: '-', same: ' ', position: '' } as const;

function shown(before: string, after: string): string {
  return diffOfTexts(before, after)
    .map(({ kind, text }) => `${signs[kind]}${text}`)
    .join('\n');
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `line ${at + 1}`);

describe('the difference of two texts', () => {
  const cases: readonly (readonly [what: string, before: string, after: string, expected: string])[] = [
    ['equal texts have none', 'a\nb\n', 'a\nb\n', ''],
    ['a last line feed is no difference', 'a\nb', 'a\nb\n', ''],
    ['a line that is new', 'a\nc\n', 'a\nb\nc\n', '@@ -1 +1 @@\n a\n+b\n c'],
    ['a line that is gone', 'a\nb\nc\n', 'a\nc\n', '@@ -1 +1 @@\n a\n-b\n c'],
    ['a line that is other', 'a\nb\nc\n', 'a\nB\nc\n', '@@ -1 +1 @@\n a\n-b\n+B\n c'],
    ['from nothing', '', 'a\nb\n', '@@ -1 +1 @@\n+a\n+b'],
    ['to nothing', 'a\n', '', '@@ -1 +1 @@\n-a'],
    ['lines that have moved', 'a\nb\nc\n', 'b\nc\na\n', '@@ -1 +1 @@\n-a\n b\n c\n+a'],
  ];
  for (const [what, before, after, expected] of cases) test(what, () => assert.equal(shown(before, after), expected));

  test('shows three lines around each change, and where they stand', () => {
    const before = numbered(40);
    const after = before.with(9, 'ten').with(29, 'thirty');
    after.splice(0, 0, 'first');
    const positions = diffOfTexts(before.join('\n'), after.join('\n')).filter(({ kind }) => kind === 'position');
    assert.deepEqual(
      positions.map(({ text }) => text),
      ['@@ -1 +1 @@', '@@ -7 +8 @@', '@@ -27 +28 @@'],
    );
  });

  test('leads from one text to the other, whatever they are', () => {
    let seed = 7;
    const random = (max: number): number => (seed = (seed * 48271) % 2147483647) % max;
    for (let round = 0; round < 300; round++) {
      const words = (): string[] => Array.from({ length: random(12) }, () => 'abcd'[random(4)] as string);
      const [before, after] = [words(), words()];
      const diff = diffOfTexts(before.join('\n'), after.join('\n'));
      const applied = (kinds: readonly DiffLine['kind'][]): string[] =>
        diff.flatMap(({ kind, text }) => (kinds.includes(kind) ? [text] : []));
      // Short texts are shown whole unless they are equal.
      if (diff.length === 0) assert.deepEqual(before, after);
      else if (before.length + after.length < 8)
        assert.deepEqual([applied(['same', 'removed']), applied(['same', 'added'])], [before, after]);
    }
  });

  test('does not take long, and says all, if everything is other', () => {
    const diff = diffOfTexts(
      numbered(20_000).join('\n'),
      numbered(20_000)
        .map((line) => `${line}!`)
        .join('\n'),
    );
    assert.equal(diff.length, 40_001);
  });
});
