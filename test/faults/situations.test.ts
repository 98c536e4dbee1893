import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { raisedCauses } from '../../scripts/raised-causes.ts';
import { failureTable } from '#failures/failure-table.ts';
import { type ExpectedRow, loadExpected } from './load-expected.ts';

// Every name in situations.md must exist, and every cause must be provoked by a row or a test.

const root = join(import.meta.dirname, '..', '..');
const rows = loadExpected();
const document = readFileSync(join(import.meta.dirname, 'situations.md'), 'utf8');

function tableIn(section: string): string[][] {
  const text = document.split('\n## ').find((part) => part.startsWith(section)) ?? '';
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(1).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const situations = tableIn('The situations').map(
  ([number = '', what = '', outcome = '', now = '', later = '', tests = '']) => ({
    number: Number(number),
    what,
    outcome,
    now: namesIn(now),
    later: namesIn(later),
    tests: tests === '' ? [] : tests.split('; '),
  }),
);

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
}

/** 'close-on-reuse' stands for any row of the case, 'close-on-reuse GET reused' for that row. */
function isNamed({ name, requestText }: ExpectedRow, as: string): boolean {
  return as === name || as === `${name} ${requestText}`;
}

/** The names of the tests of a file, from its source; names in comments do not count. */
function testNames(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const names = quotedAfter(text, String.raw`^ *(?:void )?(?:test|it)\(\s*`);
  // A test of a table's row has the row's name.
  return names.some((name) => name.includes('row.what')) ? [...names, ...quotedAfter(text, '^ *what: ')] : names;
}

function quotedAfter(text: string, before: string): string[] {
  return [...text.matchAll(new RegExp(String.raw`${before}(['"\`])(.*?)(?<!\\)\1`, 'gm'))].map(
    ([, , name]) => name ?? '',
  );
}

describe('the situations', () => {
  test('are forty-six, each with an outcome and a row or test that shows it', () => {
    assert.deepEqual(
      situations.map(({ number }) => number),
      Array.from({ length: 46 }, (_, index) => index + 1),
    );
    assert.equal(new Set(situations.map(({ what }) => what)).size, 46);
    for (const { number, outcome, now, later, tests } of situations) {
      assert.ok(outcome !== '' && now.length + later.length + tests.length > 0, `${number}`);
    }
  });

  for (const { number, what, now, later, tests } of situations) {
    test(`${number}, ${what}: its rows and tests exist`, () => {
      for (const name of now)
        assert.ok(
          rows.some((row) => row.needs === null && isNamed(row, name)),
          name,
        );
      for (const name of later)
        assert.ok(
          rows.some((row) => row.needs !== null && isNamed(row, name)),
          name,
        );
      for (const one of tests) {
        const [file = '', words = ''] = one.split(': ');
        assert.ok(words !== '' && testNames(file).some((name) => name.includes(words)), one);
      }
    });
  }

  test('name every row for later, here or in the text', () => {
    const named = new Set(namesIn(document));
    const unnamed = rows.filter(({ needs, name }) => needs !== null && !named.has(name)).map(({ name }) => name);
    assert.deepEqual(unnamed, []);
  });
});

describe('every cause', () => {
  const raised = raisedCauses();
  const shown = new Set(rows.filter(({ needs }) => needs === null).map(({ cause }) => cause as string | null));
  const elsewhere = tableIn('Causes that have no row');

  test('is raised in the source', () => {
    const silent = Object.keys(failureTable).filter((cause) => !(raised as ReadonlySet<string>).has(cause));
    assert.deepEqual(silent, []);
  });

  test('has a row, or a test that provokes it', () => {
    const named = new Set(elsewhere.map(([cause]) => cause));
    assert.deepEqual(
      [...raised].filter((cause) => !shown.has(cause) && !named.has(cause)),
      [],
    );
    for (const [cause = '', file = ''] of elsewhere) {
      assert.ok(cause in failureTable && !shown.has(cause), `${cause} is a cause without a row`);
      assert.match(readFileSync(join(root, file), 'utf8'), new RegExp(`\\b${cause}\\b`), `${file} has ${cause}`);
    }
  });

  test('of a row exists', () => {
    for (const { cause, name } of rows) assert.ok(cause === null || cause in failureTable, `${name}: ${cause}`);
  });
});
