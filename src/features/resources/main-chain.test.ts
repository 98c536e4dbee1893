// Starts processes: the first link is a shell, whose reading of words only a shell shows.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chained, chainFailedCode, type ChainLinks } from './main-chain.ts';

const none: ChainLinks = { groups: [], niceness: 0, limits: [], user: null, given: [], sandbox: null };
const nobody = { name: 'nobody', uid: 65534, gid: 65534, home: '/', groups: [65534] };

test('a program without settings has nothing before it, and limits without groups need no shell', () => {
  assert.deepEqual(chained(['node', 'x.js'], none), ['node', 'x.js']);
  assert.deepEqual(
    chained(['node'], { ...none, niceness: 5, limits: ['--nofile=64:64'] }, (name) => `/usr/bin/${name}`),
    [...['/usr/bin/nice', '-n', '5', '/usr/bin/prlimit', '--nofile=64:64', 'node']],
  );
});

test('the user comes last, inside of the isolation, which drops the rights of root', () => {
  const sandbox = { directory: '/srv/a', mounts: [{ kind: 'writable', path: '/srv/a' }], dropsRights: true } as const;
  const [, , script = '', , ...steps] = chained(['x'], { ...none, user: nobody, sandbox });
  assert.match(script, /trap '' HUP INT QUIT USR1 USR2 TERM\nexec "\$@"$/);
  const text = steps.join(' ');
  assert.match(
    text,
    /^bwrap --unshare-pid .* --bind-try \/srv\/a \/srv\/a --chdir \/srv\/a -- env --default-signal=HUP /,
  );
  assert.match(
    text,
    / setpriv --reuid=65534 --regid=65534 --init-groups --inh-caps=-all --bounding-set=-all --no-new-privs x$/,
  );
});

test('words with spaces and quotes reach the program as they are, also paths of groups', () => {
  const folder = mkdtempSync(join(tmpdir(), "candor-chain-'it s'-"));
  try {
    const group = join(folder, 'cgroup.procs');
    writeFileSync(group, '');
    const words = ['a b', "it's", '"$HOME"', '', '$(id)', '-n'];
    const [file = '', ...rest] = chained(['printf', '%s|', ...words], { ...none, groups: [group] });
    const { stdout, pid } = spawnSync(file, rest, { encoding: 'utf8' });
    assert.equal(stdout, `${words.join('|')}|`);
    // The first link's number is that of the program, since each link becomes the next one.
    assert.equal(readFileSync(group, 'utf8').trim(), String(pid));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a program whose group is gone is not run without its limits', () => {
  const [file = '', ...rest] = chained(['echo', 'it runs'], { ...none, groups: ['/nowhere/cgroup.procs'] });
  const { status, stdout, stderr } = spawnSync(file, rest, { encoding: 'utf8' });
  assert.deepEqual([status, stdout], [chainFailedCode, '']);
  assert.match(stderr, /candor: the control group of this program is gone/);
});
