import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { unpackTar, type UnpackOptions } from './release-archive.ts';
import { lstatOrNull, releaseFiles } from './release-files.ts';
import { abortedRefusal, isMissing, refuse, type ReleaseRefusal, ReleaseRefused } from './release-refusal.ts';

interface UnpackedRevision {
  /** Its whole hash. */
  readonly commit: string;
  /** A sentence each. */
  readonly remarks: readonly string[];
}

/**
 * Unpacks a revision of a repository, or of a folder in one: what is committed, never what lies in the work tree. Throws
 * `ReleaseRefused`.
 */
export async function unpackGit(
  repository: string,
  revision: string,
  into: string,
  options: UnpackOptions,
): Promise<UnpackedRevision> {
  const commit = await commitOf(repository, revision, options.signal);
  const archive = spawn('git', ['-C', repository, 'archive', '--format=tar', commit], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: gitEnvironment(),
  });
  const exit = once(archive, 'exit');
  exit.catch(() => undefined);
  try {
    await unpackTar(archive.stdout, into, `git archive ${commit}`, options);
  } finally {
    archive.kill();
    await exit;
  }
  const hasModules = (await lstatOrNull(join(into, '.gitmodules'), options.files ?? releaseFiles)) !== null;
  const remark = `The submodules of ${repository} are not part of the release: git archive has none.`;
  return { commit, remarks: hasModules ? [remark] : [] };
}

async function commitOf(repository: string, revision: string, signal: AbortSignal | undefined): Promise<string> {
  const found = await runGit(['-C', repository, 'rev-parse', '--git-dir'], signal);
  if (found.error !== null) {
    const step = 'Name the folder of a repository, or deploy the folder itself.';
    refuse('source', `${repository} is no git repository that can be read: ${found.error.replace(/\.?$/, '.')}`, step);
  }
  const verified = await runGit(['-C', repository, 'rev-parse', '--verify', '--quiet', `${revision}^{commit}`], signal);
  if (verified.error !== null) {
    const step = 'Name a commit, branch or tag that is in it (`git log`), or fetch it first.';
    return refuse('source', `${repository} has no revision ${revision}.`, step);
  }
  return verified.output.trim();
}

const missingGit: ReleaseRefusal = {
  kind: 'system',
  reason: 'git is not installed, or not in PATH.',
  step: 'Install it, or deploy a folder or an archive.',
};

const outputBytesMax = 64 * 1024;

/** `error`: the last line that git has written of it. */
async function runGit(
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly output: string; readonly error: string | null }> {
  return new Promise((resolve, reject) => {
    const options = { env: gitEnvironment(), maxBuffer: outputBytesMax, signal };
    execFile('git', args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ output: stdout, error: null });
      else if (signal?.aborted === true) reject(new ReleaseRefused(abortedRefusal));
      else if (isMissing(error)) reject(new ReleaseRefused(missingGit));
      else resolve({ output: stdout, error: stderr.trim().split('\n').at(-1) ?? '' });
    });
  });
}

/** Without variables that would lead to another repository; nothing asks for a password. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(kept), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}
