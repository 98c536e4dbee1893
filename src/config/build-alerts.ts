import {
  type AlertChannelSpec,
  alertChanges,
  alertKinds,
  type AlertsSpec,
  type AlertTargetSpec,
} from '../core/alert.ts';
import { alertDefaults } from './alert-defaults.ts';
import type { AlertsRead, AlertTargetRead } from './alerts-schema.ts';
import { type BuildContext, contentOf } from './build-context.ts';
import { ms } from '../schema/fallback.ts';
import { programPath } from './wanted-files.ts';

/** Nothing where there are no targets. */
export function buildAlerts(read: AlertsRead | undefined, context: BuildContext): { readonly alerts?: AlertsSpec } {
  const targets = Object.entries(read?.targets ?? {}).flatMap(([id, target]) => buildTarget(id, target, context));
  if (targets.length === 0) return {};
  return {
    alerts: { link: read?.link ?? null, grownEveryMs: ms(read?.grown_every, alertDefaults.grownEvery), targets },
  };
}

function buildTarget(id: string, read: AlertTargetRead, context: BuildContext): readonly AlertTargetSpec[] {
  const channel = buildChannel(read, context);
  if (channel === null) return [];
  const {
    kinds = alertKinds,
    changes = alertChanges,
    min_severity: severityMin = 'info',
    upstreams = [],
    routes = [],
  } = read;
  return [{ id, kinds, changes, severityMin, upstreams, routes, channel }];
}

/** Null: it has none, which the review complains of. */
function buildChannel(read: AlertTargetRead, context: BuildContext): AlertChannelSpec | null {
  const { webhook, slack, discord, pagerduty, smtp, command } = read;
  const secret = (written: string | undefined, file: string | undefined): string | null =>
    written ?? (file === undefined ? null : contentOf(file, context).trim());
  const ca = (files: readonly string[] | undefined): readonly string[] =>
    (files ?? []).map((file) => contentOf(file, context));
  if (webhook !== undefined) {
    const { url, url_file, token, token_file, ca_file } = webhook;
    return { type: 'webhook', url: secret(url, url_file) ?? '', token: secret(token, token_file), ca: ca(ca_file) };
  }
  for (const [type, chat] of [
    ['slack', slack],
    ['discord', discord],
  ] as const)
    if (chat !== undefined) return { type, url: secret(chat.url, chat.url_file) ?? '', ca: ca(chat.ca_file) };
  if (pagerduty !== undefined) {
    const { url = alertDefaults.pagerdutyUrl.written, routing_key, routing_key_file, ca_file } = pagerduty;
    return { type: 'pagerduty', url, routingKey: secret(routing_key, routing_key_file) ?? '', ca: ca(ca_file) };
  }
  if (smtp !== undefined) {
    const { server, tls = 'starttls', username: user = null, password, password_file, from, to, ca_file } = smtp;
    const port = server.port ?? { starttls: 587, implicit: 465, none: 25 }[tls];
    return {
      type: 'smtp',
      host: server.host,
      port,
      tls,
      user,
      password: secret(password, password_file),
      from,
      to,
      ca: ca(ca_file),
    };
  }
  if (command === undefined) return null;
  const [program = '', ...rest] = command.run;
  const timeoutMs = ms(command.timeout, alertDefaults.commandTimeout);
  return { type: 'command', command: [programPath(program, context.directory), ...rest], timeoutMs };
}
