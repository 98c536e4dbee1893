import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { failureTable } from '#failures/failure-table.ts';
import { http2LimitNames } from '../../src/core/http2-limit.ts';

function documentOf(name: string): string {
  return readFileSync(join(repositoryRoot, 'docs', name), 'utf8');
}

/** The words in backticks in one column of the tables of a document. */
function wordsInColumn(document: string, column: number): ReadonlySet<string> {
  const cells = document
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(' | ')[column] ?? '');
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '')));
}

/** Causes that say by their name that something was too much, too many or too late. */
const isLimit = /full$|_limit$|too_many|too_large|excess$|exhausted$|^shed$|^deadline_|timeout$|stalled$/;

describe('docs/limits.md', () => {
  const limits = documentOf('limits.md');

  it('names each limit of requests', () => {
    const causes = Object.keys(failureTable).filter((cause) => isLimit.test(cause));
    assert.ok(causes.length > 20);
    const missing = causes.filter((cause) => !limits.includes(`\`${cause}\``));
    assert.deepEqual(missing, []);
  });

  it('names no cause that does not exist', () => {
    const start = limits.indexOf('## Requests\n');
    const section = limits.slice(start, limits.indexOf('\n## ', start + 1));
    const named = [...wordsInColumn(section, 0)];
    assert.ok(named.length > 20);
    assert.deepEqual(
      named.filter((word) => !Object.hasOwn(failureTable, word)),
      [],
    );
  });

  it('has a row for each limit of HTTP/2 connections', () => {
    const start = limits.indexOf('\n## HTTP/2');
    const section = limits.slice(start, limits.indexOf('\n## ', start + 1));
    const named = section.split('\n').map((line) => /^`(\w+)`$/.exec(line.split(' | ')[1] ?? '')?.[1]);
    assert.deepEqual(named.filter((name) => name !== undefined).toSorted(), http2LimitNames.toSorted());
  });
});

describe('docs/events.md', () => {
  it('lists the limits of HTTP/2 connections that the event names', () => {
    const row = documentOf('events.md')
      .split('\n')
      .find((line) => line.startsWith('| `http2_limit_reached`'));
    const listed = /`limit`: ([^;]*);/.exec(row ?? '')?.[1] ?? '';
    const names = [...listed.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
    assert.deepEqual(names.toSorted(), http2LimitNames.toSorted());
  });
});
