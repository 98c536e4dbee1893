import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../scripts/repository.ts';
import { rooms } from './architecture/rooms.ts';
import { breachText, findBreaches, findLong, type RuleName } from './architecture/rules.ts';
import { readSource, type Source } from './architecture/source.ts';

const promises: Readonly<Record<RuleName, string>> = {
  direction: 'knowledge points one way',
  'node-free': 'the pure rooms know nothing of Node',
  'time-and-chance': 'time and chance come in through system.ts alone',
  'message-text': 'nothing is decided by the text of a message',
  'error-code': 'error codes are read only where errors of the world become ours',
  orphan: 'every file is imported by somebody',
};

const sources: Source[] = globSync('src/**/*.ts', { cwd: repositoryRoot }).map((path) =>
  readSource(path, readFileSync(join(repositoryRoot, path), 'utf8')),
);

for (const [rule, promise] of Object.entries(promises)) {
  test(promise, () => {
    const breaches = findBreaches(sources).filter((breach) => breach.rule === rule);
    assert.deepEqual(breaches.map(breachText), []);
  });
}

test('every room of the table knows only rooms of the table, and none knows itself through another', () => {
  for (const [room, known] of Object.entries(rooms)) {
    for (const other of known) {
      assert.ok(rooms[other] !== undefined, `${room} knows ${other}, which is no room`);
      assert.ok(!rooms[other].includes(room), `${room} and ${other} know each other`);
    }
  }
});

test('what is longer than a reader likes is reported', (context) => {
  for (const line of findLong(
    sources.filter(({ path }) => !path.endsWith('.test.ts')),
    40,
    300,
  ))
    context.diagnostic(line);
});

/** Each rule, broken on purpose: without these, a rule that finds nothing would look like a source without faults. */
const faults: readonly (readonly [rule: RuleName, path: string, text: string])[] = [
  ['direction', 'src/wire/a.ts', "import { x } from '../upstream/b.ts';"],
  ['direction', 'src/core/a.ts', "export type { X } from '../wire/b.ts';"],
  ['direction', 'src/upstream/a.ts', "const b = await import('../downstream/b.ts');"],
  ['direction', 'src/deploy/a.ts', "new Worker(new URL(siblingModule(import.meta.url, '../gateway/b')));"],
  ['direction', 'src/attic/a.ts', "import { x } from '../core/b.ts';"],
  ['node-free', 'src/core/a.ts', "import { join } from 'node:path';"],
  ['node-free', 'src/policy/a.ts', "import 'node:net';"],
  ['time-and-chance', 'src/wire/a.ts', 'const t = Date.now();'],
  ['time-and-chance', 'src/wire/a.ts', 'const t = new Date();'],
  ['time-and-chance', 'src/wire/a.ts', 'const t = `at ${performance.now()} ms`;'],
  ['time-and-chance', 'src/wire/a.ts', 'process.hrtime.bigint();'],
  ['time-and-chance', 'src/wire/a.ts', 'setTimeout(f, 1);'],
  ['time-and-chance', 'src/wire/a.ts', 'socket.setTimeout(1);'],
  ['time-and-chance', 'src/wire/a.ts', 'const quote = /[\'"/]/; setInterval(f, 1);'],
  ['time-and-chance', 'src/wire/a.ts', 'setImmediate(f);'],
  ['time-and-chance', 'src/wire/a.ts', 'Math.random() < 0.5;'],
  ['time-and-chance', 'src/wire/a.ts', "import { randomBytes } from 'node:crypto';"],
  ['time-and-chance', 'src/wire/a.ts', 'crypto.randomUUID();'],
  ['message-text', 'src/upstream/a.ts', "if (error.message.includes('hang up')) retry();"],
  ['message-text', 'src/upstream/a.ts', "if (error.message === 'x') retry();"],
  ['message-text', 'src/upstream/a.ts', 'if (/reset/.test(error.message)) retry();'],
  ['error-code', 'src/exchange/a.ts', "if (error.code === 'ECONNRESET') retry();"],
  ['orphan', 'src/wire/nobody.ts', 'export const x = 1;'],
];

for (const [rule, path, text] of faults) {
  test(`a breach of ${rule} is seen: ${text}`, () => {
    const found = findBreaches([readSource(path, text)], []).filter((breach) => breach.rule === rule);
    assert.equal(found.length, 1);
    assert.match(breachText(found[0] as (typeof found)[0]), new RegExp(`^${path}:1 `));
  });
}

const innocent: readonly (readonly [why: string, path: string, text: string])[] = [
  ['a comment', 'src/wire/a.ts', '// not Date.now()\n/* nor setTimeout(f) */'],
  ['a string', 'src/wire/a.ts', "say('Math.random() is for others'); say(`and ${x} setTimeout`);"],
  ['a pattern', 'src/wire/a.ts', 'const found = /setTimeout\\/"/.test(text) ? 1 / 2 : 3;'],
  ['the door itself', 'src/system/system.ts', 'setTimeout(f, 1); Date.now(); randomBytes(8);'],
  ['a test', 'src/wire/a.test.ts', "import '../upstream/b.ts'; setTimeout(f, 1);"],
  ['a date of a given time', 'src/wire/a.ts', 'new Date(clock.wallTime());'],
  ['a named place', 'src/transport/errno.ts', 'return error.code;'],
];

for (const [why, path, text] of innocent) {
  test(`${why} breaks no rule`, () => {
    const found = findBreaches([readSource(path, text)], ['src/transport/errno.ts']);
    assert.deepEqual(
      found.filter(({ rule }) => rule !== 'orphan'),
      [],
    );
  });
}

test('a file that a worker is started from counts as imported', () => {
  const asker = readSource(
    'src/gateway/gateway.ts',
    "new Worker(new URL(siblingModule(import.meta.url, './serve-worker')));",
  );
  assert.deepEqual(findBreaches([asker, readSource('src/gateway/serve-worker.ts', 'serve();')], []), []);
});
