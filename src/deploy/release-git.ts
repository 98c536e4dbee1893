import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { unpackTar, type UnpackOptions } from './release-archive.ts';
import { lstatOrNull, releaseFiles } from './release-files.ts';
import { abortedRefusal, isMissing, refuse, type ReleaseRefusal, ReleaseRefused } from './release-refusal.ts';
import { withStreams } from './child-streams.ts';

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
  const filters = await filtersOf(repository, options.signal);
  const words = [...noPrograms, ...filters.off, '-C', repository, 'archive', '--format=tar', commit];
  const archive = withStreams(spawn('git', words, { stdio: ['ignore', 'pipe', 'ignore'], env: gitEnvironment() }));
  const exit = once(archive, 'exit');
  exit.catch(() => undefined);
  try {
    await unpackTar(archive.stdout, into, `git archive ${commit}`, options);
  } finally {
    archive.kill();
    await exit;
  }
  const hasModules = (await lstatOrNull(join(into, '.gitmodules'), options.files ?? releaseFiles)) !== null;
  const ofModules = `The submodules of ${repository} are not part of the release: git archive has none.`;
  const ofFilters = `Filters that ${repository} itself configures were not run (${filters.names.join(', ')}): files are as they were committed. Configure them for the user of the gateway (\`git config --global\`).`;
  return { commit, remarks: [...(hasModules ? [ofModules] : []), ...(filters.names.length > 0 ? [ofFilters] : [])] };
}

/** The configuration of a repository may name programs: a folder that is deployed is not to run any while it is read. */
const noPrograms: readonly string[] = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  // For `%G?` in a file with the attribute `export-subst`.
  ...['gpg.program', 'gpg.openpgp.program', 'gpg.x509.program', 'gpg.ssh.program'].map((key) => `${key}=false`),
].flatMap((setting) => ['-c', setting]);

const filterKey = /^filter\.(.*)\.(?:smudge|process|required)$/s;

interface OwnFilters {
  readonly names: readonly string[];
  /** What the user, or the machine, has configured for them, or nothing. */
  readonly off: readonly string[];
}

/** Programs through which git would send files, as the repository itself configures them. */
async function filtersOf(repository: string, signal: AbortSignal | undefined): Promise<OwnFilters> {
  const own = new Map<string, string>();
  for (const scope of ['--local', '--worktree']) {
    const found = await configurationOf(['-C', repository, 'config', scope], signal);
    for (const [key, value] of found) if (filterKey.test(key)) own.set(key, value);
  }
  const others = own.size === 0 ? own : await configurationOf(['--git-dir=/dev/null', 'config'], signal);
  const foreign = [...own].filter(([key, value]) => others.get(key) !== value).map(([key]) => key);
  const names = [...new Set(foreign.map((key) => filterKey.exec(key)?.[1] ?? ''))];
  const unusual = names.find((name) => name.includes('='));
  if (unusual !== undefined)
    refuse('source', `${repository} configures a filter ${unusual}.`, 'Remove it from its configuration.');
  const off = foreign.flatMap((key) => [
    '-c',
    `${key}=${others.get(key) ?? (key.endsWith('required') ? 'false' : '')}`,
  ]);
  return { names, off };
}

/** The last value of each key. */
async function configurationOf(
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { output, error } = await runGit([...args, '--includes', '--list', '-z'], signal);
  if (error !== null) refuse('source', `The configuration of git cannot be read: ${error}.`, 'Correct it.');
  const settings = output.split('\0').filter((setting) => setting !== '');
  return new Map(
    settings.map((setting) => [setting.split('\n', 1)[0] ?? '', setting.slice(setting.indexOf('\n') + 1)]),
  );
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

/** A fetch runs programs that the repository names. `-` is no protocol. */
const offline = { GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: '-' } as const;

const missingGit: ReleaseRefusal = {
  kind: 'system',
  reason: 'git is not installed, or not in PATH.',
  step: 'Install it, or deploy a folder or an archive.',
};

const outputBytesMax = 1024 ** 2;

/** `error`: the last line that git has written of it. */
async function runGit(
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly output: string; readonly error: string | null }> {
  return new Promise((resolve, reject) => {
    const options = { env: gitEnvironment(), maxBuffer: outputBytesMax, signal };
    execFile('git', [...noPrograms, ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ output: stdout, error: null });
      else if (signal?.aborted === true) reject(new ReleaseRefused(abortedRefusal));
      else if (isMissing(error)) reject(new ReleaseRefused(missingGit));
      else resolve({ output: stdout, error: stderr.trim().split('\n').at(-1) ?? '' });
    });
  });
}

/** Without variables that would lead to another repository; nothing asks for a password, and nothing that is missing is fetched. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(kept), ...offline, LC_ALL: 'C' };
}
