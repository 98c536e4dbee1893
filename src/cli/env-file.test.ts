import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEnvFile } from './env-file.ts';

/** Of one line, or of one value in several. */
const read: readonly (readonly [what: string, text: string, values: Readonly<Record<string, string>>])[] = [
  ['a value', 'A=b', { A: 'b' }],
  ['several lines, with empty ones and comments', '# of the shop\n\nA=1\n  # more\nB=2\n', { A: '1', B: '2' }],
  ['export, as a shell has it', 'export A=b', { A: 'b' }],
  ['spaces around', '  A = b c  ', { A: 'b c' }],
  ['a comment behind a value', 'A=b # c', { A: 'b' }],
  ['a # within a value', 'A=b#c', { A: 'b#c' }],
  ['= within a value', 'A=postgres://a:b@c/d?e=f', { A: 'postgres://a:b@c/d?e=f' }],
  ['double quotes', 'A="b # c" # d', { A: 'b # c' }],
  ['escapes in double quotes', String.raw`A="a\nb\t\"c\" \\ \$d"`, { A: 'a\nb\t"c" \\ $d' }],
  ['single quotes, where nothing is an escape', String.raw`A='a\n"b"'`, { A: String.raw`a\n"b"` }],
  ['backticks', 'A=`b "c" \'d\'`', { A: 'b "c" \'d\'' }],
  ['a value in several lines', 'A="-----BEGIN\nabc\n-----END"\nB=1', { A: '-----BEGIN\nabc\n-----END', B: '1' }],
  ['ends of lines of Windows, and its mark', '\ufeffA=b\r\nB="c\r\nd"\r\n', { A: 'b', B: 'c\nd' }],
  ['the last of two', 'A=b\nA=c', { A: 'c' }],
  ['quotes within a value', 'A=it"s', { A: 'it"s' }],
];

describe('a .env file is read as its authors mean it', () => {
  for (const [what, text, values] of read)
    test(what, () => {
      const { values: found, refused } = readEnvFile(text);
      assert.deepEqual(Object.fromEntries(found), values);
      assert.deepEqual(refused, []);
    });
});

const refused: readonly (readonly [what: string, text: string, line: number, says: RegExp])[] = [
  ['a line without =', 'A=b\nhunter2secret', 2, /no `=`/],
  ['a line without a name', '=hunter2secret', 1, /no name/],
  ['a quote that is not closed', '\nA="hunter2secret\nB=c', 2, /not closed/],
  ['text behind a quote', 'A="b"hunter2secret', 1, /behind the closing quote/],
  ['a name that is none', '1A=hunter2secret', 1, /its name/],
  ['an empty value', 'A=', 1, /A is empty/],
  ['an empty value in quotes', 'A=""', 1, /A is empty/],
  ['the line after a value in several lines', 'A="x\ny\nz"\nhunter2secret', 4, /no `=`/],
];

describe('a line that is not read is named by its number, and never repeated', () => {
  for (const [what, text, line, says] of refused)
    test(what, () => {
      const found = readEnvFile(text);
      const [first] = found.refused;
      assert.equal(first?.line, line);
      assert.match(first?.what ?? '', says);
      assert.doesNotMatch(JSON.stringify(found.refused), /hunter2/);
    });

  test('and the lines around it are read', () => {
    assert.deepEqual([...readEnvFile('A=1\nb\nC="d\nE=2').values.keys()], ['A', 'E']);
  });
});

test('a name that is there twice and a variable that is not filled in are said', () => {
  const { remarks, values } = readEnvFile('A=1\nA=2\nB=http://$HOST/\nC="${HOST}"\nD=\'$HOST\'\nE="\\$HOST"');
  assert.deepEqual(
    remarks.map(({ line, what }) => `${line}: ${what.split(' ')[0]}`),
    ['2: A', '3: B', '4: C'],
  );
  assert.equal(values.get('C'), '${HOST}');
});
