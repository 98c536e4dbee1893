// Starts processes: `bin/candor` is run by a shell and by an older Node.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';

/** A machine in a folder. Its programs named `node` say who they are, as what process and with which arguments. */
interface Machine {
  /** Folders of programs named node, and the version in the `package.json` beside `bin` where there is one. */
  readonly nodes: Readonly<Record<string, string | null>>;
  /** Symbolic links: where, and to what. */
  readonly links?: Readonly<Record<string, string>>;
  /** Of those folders. */
  readonly path: readonly string[];
  /** How candor is started: in this folder, by this name. */
  readonly from?: string;
  readonly start: string;
  /** The Node of npm does not start. */
  readonly lacksLibrary?: true;
}

const installed = 'my app/node_modules/candor/bin/candor';
const link = { 'my app/node_modules/.bin/candor': '../candor/bin/candor' };
const machines: readonly (readonly [what: string, machine: Machine, node: string | null])[] = [
  ['the one on PATH, without another', { nodes: { bin: null }, path: ['bin'], start: installed }, 'bin'],
  [
    'that of the repository, before an older one on PATH',
    {
      nodes: { bin: null, 'my app/node_modules/candor/node_modules/node/bin': '26.1.0' },
      path: ['bin'],
      start: installed,
    },
    'my app/node_modules/candor/bin/../node_modules/node/bin',
  ],
  [
    'one that was installed beside it, by the link of npm',
    {
      nodes: { bin: null, 'my app/node_modules/node/bin': '26.1.0' },
      links: link,
      path: ['bin'],
      start: 'my app/node_modules/.bin/candor',
    },
    'my app/node_modules/.bin/../candor/bin/../../node/bin',
  ],
  [
    'the same by a link to that link, from the root, on a machine without another Node',
    {
      nodes: { 'my app/node_modules/node/bin': '30.0.0' },
      links: { ...link, candor: 'ROOT/my app/node_modules/.bin/candor' },
      path: [],
      start: 'candor',
    },
    'my app/node_modules/.bin/../candor/bin/../../node/bin',
  ],
  [
    'not one beside it that is too old',
    { nodes: { bin: null, 'my app/node_modules/node/bin': '25.9.0' }, path: ['bin'], start: installed },
    'bin',
  ],
  [
    'the one of the repository, started by a relative name',
    {
      nodes: { 'r/node_modules/node/bin': '26.1.0' },
      links: { r: 'my app/node_modules/candor' },
      path: [],
      from: 'r',
      start: 'bin/candor',
    },
    'bin/../node_modules/node/bin',
  ],
  [
    'the one on PATH where its own lacks a library',
    {
      nodes: { bin: null, 'my app/node_modules/node/bin': '26.1.0' },
      path: ['bin'],
      start: installed,
      lacksLibrary: true,
    },
    'bin',
  ],
  ['none, and says so where there is none', { nodes: {}, path: [], start: installed }, null],
  [
    'none, and names the library that its own lacks where there is no other',
    { nodes: { 'my app/node_modules/node/bin': '26.1.0' }, path: [], start: installed, lacksLibrary: true },
    null,
  ],
];

describe('candor runs on', () => {
  for (const [what, machine, expected] of machines) {
    test(what, () => {
      const root = mkdtempSync(join(tmpdir(), 'candor node-'));
      try {
        const { status, pid, stdout, stderr } = startOn(machine, root);
        if (expected === null) {
          assert.equal(status, 1);
          const says =
            machine.lacksLibrary === true
              ? /^candor: .*node did not start\. .*install it \(libnone/
              : /^candor needs Node 26 or newer, and PATH has none; .*npm install node@26.*\n$/;
          assert.match(stderr, says);
          return;
        }
        const node = machine.from === undefined ? join(root, 'x').slice(0, -1) + expected : expected;
        const [started, ...args] = stdout.trimEnd().split('\n');
        assert.equal(started, `${node}/node ${pid} --max-old-space-size=50`);
        assert.deepEqual(args.slice(-4), [
          '--inspect-port=192.0.2.1:9229',
          startName(machine, root),
          'up',
          '-c a b.yaml',
        ]);
        assert.equal(status, 3);
      } finally {
        rmSync(root, { recursive: true });
      }
    });
  }
});

function startName({ from, start }: Machine, root: string): string {
  return from === undefined ? join(root, start) : start;
}

function startOn(machine: Machine, root: string) {
  const place = (file: string): string => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    return join(root, file);
  };
  const program = readFileSync(join(repositoryRoot, 'bin', 'candor'), 'utf8');
  const library = machine.lacksLibrary === true ? 'libnone.so.1' : 'libatomic.so.1';
  writeFileSync(place(installed), program.replaceAll('libatomic.so.1', library), { mode: 0o755 });
  for (const [at, target] of Object.entries(machine.links ?? {})) symlinkSync(target.replace('ROOT', root), place(at));
  for (const [folder, version] of Object.entries(machine.nodes)) {
    const node = place(join(folder, 'node'));
    writeFileSync(
      node,
      `#!/bin/sh\n[ "$1" = -v ] && exit ${version === null || machine.lacksLibrary !== true ? 0 : 127}\necho "$0 $$ $NODE_OPTIONS"; printf '%s\\n' "$@"; exit 3\n`,
      { mode: 0o755 },
    );
    if (version !== null)
      writeFileSync(join(root, folder, '../package.json'), JSON.stringify({ name: 'node', version }, null, 2));
  }
  const tools = ['/usr/bin/nproc', '/usr/bin/readlink'];
  mkdirSync(join(root, 'tools'));
  for (const tool of tools) symlinkSync(tool, join(root, 'tools', tool.slice(9)));
  return spawnSync(startName(machine, root), ['up', '-c a b.yaml'], {
    encoding: 'utf8',
    cwd: join(root, machine.from ?? '.'),
    env: {
      PATH: [...machine.path, 'tools'].map((one) => join(root, one)).join(':'),
      NODE_OPTIONS: '--max-old-space-size=50',
    },
  });
}

test('an older Node that is told to run candor says in a sentence which one it needs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-older-'));
  try {
    const older = join(folder, 'older.cjs');
    writeFileSync(older, "Object.defineProperty(process.versions, 'node', { value: '25.9.0' });");
    const candor = join(repositoryRoot, 'bin', 'candor');
    // A process, since it is how candor is started that is tried.
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-r', older, candor, 'version'], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /^candor needs Node 26 or newer, and this is 25\.9\.0; .*npm install node@26.*\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
