// Starts processes: git makes the repository.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makePrivateFolder } from './private-folder.ts';
import { trackedByGit } from './tracked-by-git.ts';

const root = mkdtempSync(join(tmpdir(), 'candor-git-'));
after(() => rmSync(root, { recursive: true }));

/** git itself writes the index that is read here. */
const git = (...args: readonly string[]) => spawnSync('git', args, { cwd: join(root, 'shop'), encoding: 'utf8' });
const isThere = spawnSync('git', ['--version']).status === 0;

test('git ignores a folder that the gateway makes for its keys; one that was there keeps what it has', () => {
  const made = join(root, 'new', 'state');
  assert.equal(makePrivateFolder(join(made, 'certificates')), null);
  assert.equal(readFileSync(join(root, 'new', '.gitignore'), 'utf8'), '*\n');
  const there = join(root, 'there');
  mkdirSync(there);
  assert.equal(makePrivateFolder(there), null);
  assert.throws(() => readFileSync(join(there, '.gitignore')), /ENOENT/);
});

test('a state folder that a repository tracks is recognised by its index', {
  skip: isThere ? false : 'git is not here',
}, () => {
  const state = join(root, 'shop', 'deploy', '.candor');
  mkdirSync(join(state, 'certificates'), { recursive: true });
  for (const file of ['certificates/local-ca.json', 'configuration-key']) writeFileSync(join(state, file), 'secret');
  writeFileSync(join(root, 'shop', 'x.deploy'), '');
  git('init', '-q');
  git('add', 'x.deploy');
  assert.equal(trackedByGit(state), null, 'not added');
  git('add', 'deploy/.candor/configuration-key');
  assert.equal(trackedByGit(state), 'deploy/.candor/configuration-key');
  git('rm', '-q', '--cached', 'deploy/.candor/configuration-key');
  assert.equal(trackedByGit(state), null, 'removed');
  assert.equal(trackedByGit(join(root, 'none')), null);
  assert.equal(trackedByGit(join(root, 'shop', 'x.deploy')), 'x.deploy', 'a file');
  writeFileSync(join(root, 'shop', 'x.dep'), '');
  assert.equal(trackedByGit(join(root, 'shop', 'x.dep')), null, 'the beginning of the name of another');
  git('add', 'deploy/.candor/certificates');
  git('add', '-N', 'deploy/.candor/configuration-key');
  assert.equal(
    trackedByGit(state),
    'deploy/.candor/certificates/local-ca.json',
    'an index with intents to add has version 3',
  );
});
