import type { AlertTargetRead } from './alerts-schema.ts';
import { alertChannelTypes } from './alert-defaults.ts';
import { type Draft, isMap } from './draft.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import type { ErrorCollector } from './error-collector.ts';
import { nameError } from '../schema/leaves.ts';
import { routeIds } from './match.ts';
import { suggestNearest } from './nearest.ts';
import type { Path } from '../schema/findings.ts';

/** Targets that could not be sent to, or that would never get a message. */
export function reviewAlerts(draft: Draft, collector: ErrorCollector): void {
  const targets = Object.entries(draft.plain.alerts?.targets ?? {});
  for (const [name, target] of targets) {
    const at: Path = ['alerts', 'targets', name];
    collector.addDetail(at, nameError(name), 'key');
    reviewChannel(target, at, collector);
    reviewFilters(target, at, draft, collector);
  }
  if (targets.length > 0 && draft.plain.state === null)
    collector.warnAtKey(
      ['alerts'],
      'without a state folder, messages that wait when the gateway ends are lost',
      'name a folder with the key "state"',
    );
}

function reviewChannel(target: AlertTargetRead, at: Path, collector: ErrorCollector): void {
  const written = alertChannelTypes.filter((channel) => target[channel] !== undefined);
  const [channel, second] = written;
  if (channel === undefined)
    return collector.errorAtKey(
      at,
      'the target does not say how it is reached',
      `add ${orList(alertChannelTypes.map(quoted))}`,
    );
  if (second !== undefined)
    collector.errorAtKey(
      [...at, second],
      `a target is reached in one way, and this one has ${quoted(channel)} too`,
      'give each a target of its own',
    );
  const { webhook, slack, discord, pagerduty, smtp } = target;
  for (const [type, one] of [
    ['webhook', webhook],
    ['slack', slack],
    ['discord', discord],
  ] as const) {
    if (one !== undefined) exactlyOne(one, 'url', [...at, type], collector);
    if (one?.url !== undefined && isClearText(one.url))
      collector.warnAtValue([...at, type, 'url'], 'messages and tokens travel in clear text', 'write https://');
  }
  if (webhook?.token !== undefined && webhook.token_file !== undefined)
    exactlyOne(webhook, 'token', [...at, 'webhook'], collector);
  if (pagerduty !== undefined) exactlyOne(pagerduty, 'routing_key', [...at, 'pagerduty'], collector);
  if (smtp !== undefined) reviewSmtp(smtp, [...at, 'smtp'], collector);
}

function exactlyOne<K extends string>(
  written: { readonly [key in K | `${K}_file`]?: unknown },
  key: K,
  at: Path,
  collector: ErrorCollector,
): void {
  const count = [written[key], written[`${key}_file`]].filter((one) => one !== undefined).length;
  if (count === 0)
    collector.errorAtKey(at, `${quoted(key)} is missing`, `add ${quoted(key)} or ${quoted(`${key}_file`)}`);
  if (count === 2) collector.errorAtKey([...at, `${key}_file`], `${quoted(key)} is there too`, 'remove one of them');
}

function reviewSmtp(smtp: NonNullable<AlertTargetRead['smtp']>, at: Path, collector: ErrorCollector): void {
  const { username: user, password, password_file, tls } = smtp;
  const hasPassword = password !== undefined || password_file !== undefined;
  if (user !== undefined) exactlyOne(smtp, 'password', at, collector);
  else if (hasPassword)
    collector.errorAtKey(at, 'there is a password and no "username"', 'add "username", or remove the password');
  if (user !== undefined && tls === 'none' && !/^(?:localhost|127\.|::1)/.test(smtp.server.host))
    collector.warnAtValue([...at, 'tls'], 'the password travels in clear text', 'write starttls or implicit');
}

function isClearText(url: string): boolean {
  return url.startsWith('http://') && !/^http:\/\/(?:localhost|127\.[\d.]+|\[::1\])[:/]/.test(url);
}

function reviewFilters(target: AlertTargetRead, at: Path, draft: Draft, collector: ErrorCollector): void {
  const upstreams = [draft.raw['upstreams'], draft.raw['applications']].flatMap((part) =>
    isMap(part) ? Object.keys(part) : [],
  );
  const routes = routeIds([...draft.routes.values()]);
  const unknown = (key: 'upstreams' | 'routes', known: readonly string[], what: string): void => {
    for (const [index, written] of (target[key] ?? []).entries())
      if (!known.includes(written))
        collector.errorAtValue(
          [...at, key, index],
          `no ${what} is called ${quoted(written)}`,
          suggestNearest(written, known),
        );
  };
  unknown('upstreams', upstreams, 'upstream or application');
  if (routes.length > 0) unknown('routes', routes, 'route');
  for (const key of ['kinds', 'changes'] as const)
    if (target[key]?.length === 0)
      collector.errorAtKey(
        [...at, key],
        `${quoted(key)} is empty: the target gets nothing`,
        'add an entry, or remove the key',
      );
}

interface FileOfTarget {
  readonly kind: 'alert_secret' | 'certificates' | 'program';
  readonly path: string;
  readonly at: Path;
}

/** Secrets, authorities and programs of targets. */
export function filesOfAlerts(draft: Draft): readonly FileOfTarget[] {
  const files: FileOfTarget[] = [];
  for (const [name, target] of Object.entries(draft.plain.alerts?.targets ?? {})) {
    for (const channel of alertChannelTypes) {
      const read: unknown = target[channel];
      if (!isMap(read)) continue;
      for (const key of ['url_file', 'token_file', 'routing_key_file', 'password_file'])
        if (typeof read[key] === 'string')
          files.push({ kind: 'alert_secret', path: read[key], at: ['alerts', 'targets', name, channel, key] });
      const roots = Array.isArray(read['ca_file']) ? (read['ca_file'] as string[]) : [];
      for (const path of roots)
        files.push({ kind: 'certificates', path, at: ['alerts', 'targets', name, channel, 'ca_file'] });
      const [program] = Array.isArray(read['run']) ? (read['run'] as string[]) : [];
      if (program !== undefined)
        files.push({ kind: 'program', path: program, at: ['alerts', 'targets', name, channel, 'run'] });
    }
  }
  return files;
}
