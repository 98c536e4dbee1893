import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ConfigurationJson } from '../core/schemas/configurations.ts';
import { fileBytesMax } from '../config/read-document.ts';
import { originalPath } from '../control/configuration-file.ts';
import { readOwnFile } from '../deploy/own-file.ts';
import { errnoOf } from '../record/log-output.ts';
import { CommandFailure } from './command-failure.ts';
import { errorsIn } from './configuration-read.ts';
import type { AskFlags } from './flags.ts';
import { harmless, wrap } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { readConfiguration } from './read-configuration.ts';
import { reload } from './reload-command.ts';
import { askConfiguration } from './show-configurations.ts';

/** Seconds. */
const reloadTimeout = 60;

/**
 * `candor configuration restore NUMBER`: writes the earlier configuration into the file, and reloads. The file that was there stays beside it, and comes back
 * where the gateway refuses the other. Returns the exit code.
 */
export async function restoreConfiguration(flags: AskFlags, id: number, context: ProcessContext): Promise<number> {
  const [earlier, active] = [
    await askConfiguration(id, flags, context),
    await askConfiguration('active', flags, context),
  ];
  if (earlier.id === active.id) throw new CommandFailure('refused', `Configuration ${id} is active already.`);
  const path = pathOfFile(active);
  const text = originalOf(earlier, active);
  const [fresh, replaced] = [`${path}.restored`, `${path}.replaced`];
  attempt(path, () => writeLike(path, fresh, text));
  try {
    const { errors, configuration } = await readConfiguration(fresh, context);
    if (configuration === null) throw errorsIn(`Configuration ${id}`, errors);
    attempt(path, () => {
      // A link that lies there is not followed.
      rmSync(replaced, { force: true });
      copyFileSync(path, replaced, constants.COPYFILE_EXCL);
      renameSync(fresh, path);
    });
  } finally {
    rmSync(fresh, { force: true });
  }
  if (!flags.json)
    context.stdout.write(
      `${wrap(harmless(`${path} is configuration ${id} again; what it was is in ${basename(replaced)} beside it.`), '').join('\n')}\n`,
    );
  try {
    return await reload({ ...flags, wait: false, timeout: reloadTimeout }, context);
  } catch (thrown) {
    renameSync(replaced, path);
    if (!flags.json) context.stderr.write(`${harmless(path)} is as it was before.\n`);
    throw thrown;
  }
}

function pathOfFile({ source }: ConfigurationJson): string {
  if (source === null)
    throw new CommandFailure('refused', 'The gateway has no configuration file that could be restored.');
  return attempt(source, () => realpathSync(source));
}

/** The state folder has it with its secrets, for the gateway's user. */
function originalOf({ id }: ConfigurationJson, { effective = {} }: ConfigurationJson): string {
  const folder = effective['state_folder'];
  if (typeof folder !== 'string')
    throw new CommandFailure('refused', 'The gateway keeps no state (`state: none`), and so no earlier configuration.');
  const file = originalPath(folder, id);
  const isLink = lstatSync(dirname(file), { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const found = isLink
    ? ({ kind: 'refused', why: `${dirname(file)} is a link` } as const)
    : readOwnFile(file, fileBytesMax, ownerOf(folder));
  if (found.kind === 'text') return found.text;
  const why = found.kind === 'refused' ? `: ${found.why}` : '';
  throw new CommandFailure(
    found.kind === 'refused' ? 'failure' : 'refused',
    `Configuration ${id} is not kept as it was in its file${why}. The newest 20 are, in ${harmless(folder)}; \`candor configuration show ${id}\` prints it without secrets. Run this on the gateway's machine, as its user or root.`,
  );
}

/** Root restores what the gateway's user has kept. */
const ownerOf = (folder: string): number | null =>
  process.geteuid?.() === 0 ? (statSync(folder, { throwIfNoEntry: false })?.uid ?? null) : null;

function writeLike(like: string, path: string, text: string): void {
  const { mode, uid, gid } = statSync(like);
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  // For the gateway's user, where root restores.
  if (process.geteuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode & 0o777);
}

function attempt<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new CommandFailure(
      'failure',
      `${harmless(path)} cannot be replaced (${errnoOf(error)}). Run this on the gateway's machine, as a user who may write the file.`,
    );
  }
}
