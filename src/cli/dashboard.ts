import { printJson } from './layout.ts';
import { apiRoot } from '../admin/operations.ts';
import type { LinkStatus, SessionStatus } from '../core/schemas/sessions.ts';
import type { AdminRole } from '../core/admin-roles.ts';
import type { AdminTarget } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { forwardDashboard } from './dashboard-forwarder.ts';
import { findAdmin } from './find-admin.ts';
import type { ProcessContext } from './process-context.ts';
import { styleFor } from './style.ts';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { linkMs } from '../admin/sessions.ts';
import { after } from '../core/time.ts';

export interface DashboardFlags extends AskFlags {
  readonly open: boolean;
  readonly port: number;
}

/** Makes a link to the dashboard and opens it. Without TLS over TCP, serves it on loopback until a signal comes. */
export async function dashboard(flags: DashboardFlags, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const url = await linkOverTls(target, context);
  if (url !== null) {
    show(url, null, flags, context);
    if (flags.open) await openBrowser(url, 'others_may_race', context);
    return;
  }
  const role = await roleAt(target, context);
  const ended = untilSignal(context);
  const forwarder = await forwardDashboard(target, role, flags.port, context.clock);
  const link = forwarder.makeLink();
  show(link, forwarder.url, flags, context);
  if (flags.open) await openBrowser(link, forwarder.knowsUsers ? 'only_ours' : 'others_may_race', context);
  await ended;
  await forwarder.close();
}

/** The gateway knows whether browsers reach it over TLS. With `--admin` they do at that URL, or not at all. */
async function linkOverTls(target: AdminTarget, context: ProcessContext): Promise<string | null> {
  if (target.kind === 'url' && target.url.protocol !== 'https:') return null;
  const answer = await askGateway(target, 'POST', `${apiRoot}/session/link`, context);
  if (answer.status !== 200) throw refusal(answer);
  const { path, url } = answer.body as LinkStatus;
  return target.kind === 'url' ? `${target.url.origin}${path}` : url;
}

/** What this process may do there. */
async function roleAt(target: AdminTarget, context: ProcessContext): Promise<AdminRole> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/session`, context);
  if (answer.status !== 200) throw refusal(answer);
  return (answer.body as SessionStatus).role;
}

function show(link: string, forwarder: string | null, flags: DashboardFlags, context: ProcessContext): void {
  if (flags.json) return printJson({ url: link, until_ended: forwarder !== null }, context);
  const style = styleFor(context.stdout, context.env);
  const lines = [`The dashboard, for one browser, within a minute:`, '', `  ${style.bold(link)}`, ''];
  if (forwarder !== null) lines.push(style.dim(`Served at ${forwarder} until this command ends (Ctrl-C).`));
  context.stdout.write(`${lines.join('\n')}\n`);
}

function untilSignal(context: ProcessContext): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const release = context.onSignal(signal, () => {
        release();
        resolve();
      });
    }
  });
}

/** Whether another user who reads the link in the arguments of the browser's process could use it first. */
type LinkSafety = 'only_ours' | 'others_may_race';

/**
 * Opens a link in the browser of the person, if there is one. Every user of a machine may list the arguments of processes, so a link that
 * others could use too goes into a file that only this user may read, and which leads to it.
 */
async function openBrowser(link: string, safety: LinkSafety, context: ProcessContext): Promise<void> {
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
