import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../scripts/repository.ts';

/** The files of a commit, in a git worktree of their own. */
export interface CommitTree {
  readonly folder: string;
  /** The abbreviated hash and the subject. */
  readonly title: string;
}

/** The full hash of a commit. Throws if git does not know it. */
export function resolveCommit(name: string): string {
  const ran = git('rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`);
  if (!ran.ok) throw new Error(`git knows no commit ${name}`);
  return ran.said;
}

/** Whether the working tree has uncommitted changes. */
export function hasUncommitted(): boolean {
  return git('status', '--porcelain', '--untracked-files=no').said !== '';
}

/**
 * Checks a commit out into `folder`, with this repository's dependencies, and unless `isSource` compiles it as `npm pack` does and
 * takes its source away, so that `bin/candor` runs what a package would.
 */
export function checkOut(commit: string, folder: string, isSource: boolean): CommitTree {
  takeAway(folder);
  mustGit('worktree', 'add', '--quiet', '--force', '--detach', folder, commit);
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
  if (!isSource) compile(folder);
  return { folder, title: mustGit('log', '-1', '--format=%h %s', commit) };
}

function compile(folder: string): void {
  const ran = spawnSync(process.execPath, [join(folder, 'scripts', 'build.ts')], { cwd: folder, encoding: 'utf8' });
  if (ran.status !== 0)
    throw new Error(`${folder} could not be compiled (--source needs no compiling): ${ran.stdout}${ran.stderr}`);
  for (const source of ['src', 'packages']) rmSync(join(folder, source), { recursive: true, force: true });
}

/** Removes the worktree and git's record of it, also those of an earlier run. */
export function takeAway(folder: string): void {
  const link = join(folder, 'node_modules');
  if (existsSync(link)) unlinkSync(link);
  git('worktree', 'remove', '--force', '--force', folder);
  rmSync(folder, { recursive: true, force: true });
  git('worktree', 'prune');
}

function mustGit(...words: readonly string[]): string {
  const ran = git(...words);
  if (!ran.ok) throw new Error(`git ${words[0]} failed: ${ran.said}`);
  return ran.said;
}

function git(...words: readonly string[]): { readonly ok: boolean; readonly said: string } {
  const ran = spawnSync('git', words, { cwd: repositoryRoot, encoding: 'utf8' });
  return { ok: ran.status === 0, said: `${ran.stdout}${ran.status === 0 ? '' : ran.stderr}`.trim() };
}
