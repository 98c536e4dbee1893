import { apiRoot } from '../admin/operations.ts';
import type { LinkStatus, SessionStatus } from '../core/schemas/sessions.ts';
import type { AdminRole } from '../core/admin-roles.ts';
import type { AdminTarget } from './admin-target.ts';
import { printJson } from './ask-commands.ts';
import type { AskFlags } from './ask-flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { forwardDashboard } from './dashboard-forwarder.ts';
import { findAdmin } from './find-admin.ts';
import { openBrowser } from './open-browser.ts';
import type { ProcessContext } from './process-context.ts';
import { styleFor } from './style.ts';

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
