import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { linkMs } from '../admin/sessions.ts';
import { after } from '../core/time.ts';
import type { ProcessContext } from './process-context.ts';

/** Whether another user who reads the link in the arguments of the browser's process could use it first. */
export type LinkSafety = 'only_ours' | 'others_may_race';

/**
 * Opens a link in the browser of the person, if there is one. Every user of a machine may list the arguments of processes, so a link that
 * others could use too goes into a file that only this user may read, and which leads to it.
 */
export async function openBrowser(link: string, safety: LinkSafety, context: ProcessContext): Promise<void> {
  const opener = openerOf(context);
  if (opener === null) return;
  if (safety === 'only_ours') return run(opener, link, context);
  const folder = mkdtempSync(join(context.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'candor-link-'));
  const file = join(folder, 'dashboard.html');
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${link}">\n`, { mode: 0o600 });
  try {
    await run(opener, pathToFileURL(file).href, context);
    await new Promise((resolve) => context.clock.schedule(after(context.clock.now(), readMs), resolve, undefined));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A browser that has to start first reads the file within this time. The link itself is good for a minute. */
const readMs = linkMs / 4;

/** Null where there is no screen. */
function openerOf({ machine, env }: ProcessContext): string | null {
  if (machine.platform === 'darwin') return 'open';
  const hasScreen = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  return hasScreen ? 'xdg-open' : null;
}

/** Resolves when the opener has ended, however: the link is printed in any case. */
function run(opener: string, url: string, { env }: ProcessContext): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(opener, [url], { stdio: 'ignore', detached: true, env: { ...env } });
    child.once('error', () => resolve());
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}
