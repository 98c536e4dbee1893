import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packagePrograms } from '../scripts/bundle.ts';
import { threadEntries } from '../scripts/bundle-entries.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { findUnbundled } from './architecture/bundles.ts';
import { findCycles } from './architecture/cycles.ts';
import { findUnusedExports } from './architecture/exports.ts';
import { findPlaneBreaches } from './architecture/planes.ts';
import { packages, rooms, workspaces } from './architecture/rooms.ts';
import { breachText, findBreaches, findLong, findUse, roomOf, type RuleName } from './architecture/rules.ts';
import { readSource, type Source } from './architecture/source.ts';
import {
  findBudgetBreaches,
  findLargeAtStart,
  loadBudgets,
  loadingStarts,
  loadOf,
  startOfThreads,
} from './architecture/start.ts';

const promises: Readonly<Record<RuleName, string>> = {
  direction: 'a room imports only the rooms that the table grants it',
  'node-free': 'the pure rooms import nothing of Node',
  package: 'a room uses only the npm packages that the table grants it',
  'time-and-chance': 'time and chance come in through system.ts alone',
  'message-text': 'nothing is decided by the text of a message',
  'error-code': 'error codes are read only where errors of the system become causes and states',
  'descriptor-advice': 'how a process gets more descriptors is written in one file',
  orphan: 'every file is imported by another one',
};

const sources = readSources('{packages/*/src,src}/**/*.{ts,tsx}');
const others = readSources('{test,bench,scripts,docs}/**/*.{ts,mjs}');

function readSources(pattern: string): Source[] {
  return globSync(pattern, { cwd: repositoryRoot }).map((path) =>
    readSource(path, readFileSync(join(repositoryRoot, path), 'utf8')),
  );
}

const allBreaches = findBreaches(sources);
for (const [rule, promise] of Object.entries(promises)) {
  test(promise, () => {
    const breaches = allBreaches.filter((breach) => breach.rule === rule);
    assert.deepEqual(breaches.map(breachText), []);
  });
}

test('a room imports only rooms that stand before it in the table', () => {
  const order = Object.keys(rooms);
  for (const [room, granted] of Object.entries(rooms)) {
    const others = granted.filter((other) => workspaces[other] === undefined);
    const later = others.filter((other) => order.indexOf(other) === -1 || order.indexOf(other) >= order.indexOf(room));
    assert.deepEqual(later, [], `${room} may import only rooms before it`);
  }
});

test('the table has the rooms that exist, and no others', () => {
  const existing = new Set(sources.map(({ path }) => roomOf(path)));
  assert.deepEqual([...Object.keys(rooms), ...Object.keys(workspaces)].sort(), [...existing].sort());
});

test('every grant of a room or a package is used', () => {
  const use = findUse(sources);
  const grants = [...Object.entries(rooms), ...Object.entries(packages), ...Object.entries(workspaces)];
  const unused = grants.flatMap(([room, granted]) =>
    granted.filter((one) => use.get(room)?.has(one) !== true).map((one) => `${room} does not use ${one}`),
  );
  assert.deepEqual(unused, [], 'delete these grants in rooms.ts');
});

test('no files import each other in a circle, types included', () => {
  assert.deepEqual(findCycles(sources), [], 'move what both need into a file of its own');
});

test('every export is imported by another file', () => {
  const found = findUnusedExports([...sources, ...others]).map(({ path, line, name }) => `${path}:${line} ${name}`);
  assert.deepEqual(found, [], 'leave out `export`, and delete what is then unused');
});

test('the control plane and the workers know each other by messages alone', () => {
  assert.deepEqual(findPlaneBreaches(sources), []);
});

test('the threads of a gateway load no large module when they start', () => {
  assert.deepEqual(findLargeAtStart(sources, startOfThreads), []);
});

test('each command and each thread loads what it uses: the table has them all, and a budget for each', () => {
  const starts = loadingStarts(sources, threadEntries);
  assert.deepEqual(Object.keys(loadBudgets).sort(), [...starts].sort());
  const isThread = (start: string): boolean => threadEntries.some((entry) => start === `src/${entry}`);
  const breaches = starts.flatMap((start) =>
    findBudgetBreaches(
      start,
      loadBudgets[start],
      loadOf(sources, isThread(start) ? [start] : ['src/cli/main.ts', start]),
    ),
  );
  assert.deepEqual(breaches, []);
});

const bundleEntries = packagePrograms.flatMap(({ entries }) => entries);

test('what names a file by its own place finds it in a bundle too', () => {
  assert.deepEqual(findUnbundled(sources, bundleEntries), []);
});

test('a file that a bundle would not find is noticed', () => {
  const faults: readonly [path: string, text: string, found: RegExp][] = [
    ['src/cli/a/b.ts', 'const at = import.meta.dirname;', /too deep/],
    ['src/cli/a.ts', "siblingModule(import.meta.url, './configuration-thread');", /begin with its room/],
    [
      'src/cli/a.ts',
      "siblingModule(import.meta.url, '../worker/other-main');",
      /other-main\.ts, which .* does not bundle/,
    ],
  ];
  for (const [path, text, found] of faults)
    assert.match(findUnbundled([readSource(path, text)], bundleEntries).join('\n'), found);
});

const importing: readonly (readonly [text: string, unused: readonly string[]])[] = [
  ["import { a, type B } from './x.ts';", ['c', 'D']],
  ["import { a as b } from './x.ts';", ['B', 'c', 'D']],
  ["import * as x from './x.ts';", []],
  ["export type { B, D } from './x.ts';", ['a', 'c']],
  ["const { a, c } = await import('./x.ts');", ['B', 'D']],
  ["run(`import { a } from ${JSON.stringify(import.meta.resolve('./x.ts'))};`);", ['B', 'c', 'D']],
  ["const text = `import { a } from 'elsewhere';`;", ['a', 'B', 'c', 'D']],
  ["import { a } from '../wire/x.ts'; // './x.ts'", ['a', 'B', 'c', 'D']],
];

test('an export that no other file imports is seen', () => {
  const exporting = readSource(
    'src/core/x.ts',
    "export async function a() {}\nexport interface B {}\nconst c = a;\nexport { c, type Y as D };\nimport './x.ts';\n",
  );
  for (const [text, unused] of importing) {
    const found = findUnusedExports([exporting, readSource('src/core/y.test.ts', text)]);
    assert.deepEqual(
      found.filter(({ path }) => path === exporting.path).map(({ name }) => name),
      unused,
      text,
    );
  }
});

test('long files and functions are reported', (context) => {
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
  ['direction', 'src/wire/a.ts', "import { x } from '#explain/b.ts';"],
  ['direction', 'packages/explain/src/a.ts', "import { x } from '../../../src/core/b.ts';"],
  ['direction', 'packages/failures/src/a.ts', "import { x } from '../../explain/src/b.ts';"],
  ['node-free', 'src/core/a.ts', "import { join } from 'node:path';"],
  ['node-free', 'packages/failures/src/a.ts', "import { join } from 'node:path';"],
  ['node-free', 'src/policy/a.ts', "import 'node:net';"],
  ['package', 'src/core/a.ts', "import { parse } from 'yaml';"],
  ['package', 'src/config/a.ts', "import pino from 'pino';"],
  ['package', 'src/wire/a.ts', "import { x } from '@stricli/core/deep/file';"],
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
  ['descriptor-advice', 'src/control/a.ts', "const step = 'Set LimitNOFILE=4096 in the unit.';"],
  ['orphan', 'src/wire/unused.ts', 'export const x = 1;'],
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
  ['system.ts', 'src/system/system.ts', 'setTimeout(f, 1); Date.now(); randomBytes(8);'],
  ['a test', 'src/wire/a.test.ts', "import '../upstream/b.ts'; setTimeout(f, 1);"],
  ['a date of a given time', 'src/wire/a.ts', 'new Date(clock.wallTime());'],
  ['advice in a comment', 'src/control/a.ts', '/** Without LimitNOFILE. */'],
  ['the one file of advice', 'src/core/descriptor-need.ts', "const step = 'Set LimitNOFILE=4096';"],
  ['a file that reads error codes', 'src/transport/errno.ts', 'return error.code;'],
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

test('a circle of imports is seen, also where it is of types alone', () => {
  const files: readonly (readonly [path: string, text: string])[] = [
    ['src/core/a.ts', "import type { B } from './b.ts';"],
    ['src/core/b.ts', "export { c } from './c.ts';"],
    ['src/core/c.ts', "const a = await import('./a.ts');"],
    ['src/core/d.ts', "import { a } from './a.ts';"],
  ];
  const cycles = findCycles(files.map(([path, text]) => readSource(path, text)));
  assert.deepEqual(cycles, ['src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts']);
});

const starter = readSource('src/gateway/gateway.ts', "siblingModule(import.meta.url, '../worker/worker-main');");
const main = readSource('src/worker/worker-main.ts', "import '../core/messages.ts';");

const planeFaults: readonly (readonly [why: string, path: string, text: string, seen: RegExp])[] = [
  [
    'a worker that loads control',
    'src/worker/worker-main.ts',
    "import '../control/b.ts';",
    /control\/b\.ts is loaded with/,
  ],
  [
    'the entry that loads the worker',
    'src/gateway/gateway.ts',
    "import '../worker/b.ts';",
    /worker\/b\.ts is loaded with/,
  ],
  ['a type of the worker in control', 'src/control/a.ts', "import type { B } from '../worker/b.ts';", /a\.ts:1 names/],
  ['a second starter', 'src/cli/a.ts', "siblingModule(import.meta.url, '../worker/worker-main');", /a\.ts:1 names/],
  ['a file of the worker that it does not load', 'src/worker/a.ts', 'export const a = 1;', /belongs to another room/],
];

for (const [why, path, text, seen] of planeFaults) {
  test(`planes that know each other are seen: ${why}`, () => {
    const others = [starter, main].filter((source) => source.path !== path);
    assert.match(findPlaneBreaches([readSource(path, text), ...others]).join('\n'), seen);
  });
}

test('planes that know each other by messages break no rule', () => {
  assert.deepEqual(findPlaneBreaches([starter, main]), []);
});

test('a file that a worker is started from counts as imported', () => {
  const asker = readSource(
    'src/gateway/gateway.ts',
    "new Worker(new URL(siblingModule(import.meta.url, './serve-worker')));",
  );
  assert.deepEqual(findBreaches([asker, readSource('src/gateway/serve-worker.ts', 'serve();')], []), []);
});

test('a start that loads more than its budget is named with both, and a package with the way to it', () => {
  const budget = { kilobytes: 100, packages: ['zod'] };
  const breachesOf = (kilobytes: number, packages: readonly string[]): readonly string[] =>
    findBudgetBreaches('src/cli/a.ts', budget, {
      kilobytes,
      packages,
      ways: new Map(packages.map((one) => [one, `src/cli/a.ts -> src/b.ts -> ${one}`])),
    });
  assert.deepEqual(breachesOf(100, ['zod']), []);
  assert.deepEqual(breachesOf(101, ['yaml']), [
    'src/cli/a.ts loads 101 of 100 kB: raise it in test/architecture/start.ts, or load less',
    'src/cli/a.ts loads yaml: name it in test/architecture/start.ts, or load it later (src/cli/a.ts -> src/b.ts -> yaml)',
    'src/cli/a.ts no longer loads zod: remove it in test/architecture/start.ts',
  ]);
  assert.deepEqual(breachesOf(75, ['zod']), [
    'src/cli/a.ts loads 75 of 100 kB: lower it in test/architecture/start.ts',
  ]);
});

const loads: readonly (readonly [text: string, isLarge: boolean])[] = [
  ["import { z } from 'zod';", true],
  ["import { type Server, createServer } from 'node:http';", true],
  ["import {\n  connect,\n} from 'node:tls';", true],
  ["export { z } from 'zod';", true],
  ["import type { z } from 'zod';", false],
  ["import type {\n  Server,\n} from 'node:http';", false],
  ["const { z } = await import('zod');", false],
];

for (const [text, isLarge] of loads) {
  test(`${isLarge ? 'loads' : 'does not load'} a large module at start: ${text}`, () => {
    const start = readSource(
      'src/worker/worker-main.ts',
      "import type { X } from './x.ts';\nimport { a } from './a.ts';",
    );
    const found = findLargeAtStart([start, readSource('src/worker/a.ts', text)], ['src/worker/worker-main.ts']);
    assert.equal(found.length, isLarge ? 1 : 0);
  });
}
