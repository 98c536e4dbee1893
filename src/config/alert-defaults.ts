import { alertKinds } from '../core/alert.ts';
import { declare, describe } from '../schema/default.ts';

/** What holds where `alerts` is silent. */
export const alertDefaults = {
  absent: describe('nobody is told', 'Only the operator knows who is.'),
  link: describe('no link', 'Only the operator knows at which address people reach the dashboard.'),
  grownEvery: declare('10m', 'Who works on an incident need not be told of it each minute.'),
  targets: declare('{}', 'Only the operator knows who is to be told.'),
  kinds: declare(`[${alertKinds.join(', ')}]`, 'All of them need a person.'),
  changes: declare(
    '[opened, grown, corrected, resolved]',
    'Who was told that something fails wants to know that it does not any more.',
  ),
  severityMin: declare('info', 'A target that wakes people wants `critical`.'),
  upstreams: declare('[]', 'Of all.'),
  routes: declare('[]', 'Of all.'),
  caFile: declare('[]', 'Public CAs need none.'),
  pagerdutyUrl: declare(
    'https://events.pagerduty.com/v2/enqueue',
    'That of the EU region is https://events.eu.pagerduty.com/v2/enqueue.',
  ),
  smtpTls: declare('starttls', 'Servers for submission offer it; a mail names hosts and paths.'),
  commandTimeout: declare('10s', 'A program that hangs must not keep the next message waiting.'),
} as const;

/** How a target of `alerts` is reached: each is a key of the target. */
export const alertChannelTypes = ['webhook', 'slack', 'discord', 'pagerduty', 'smtp', 'command'] as const;
