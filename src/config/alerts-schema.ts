/** What may be written about messages to people. */
import * as z from 'zod';
import { alertChanges, alertKinds, alertSeverities } from '../core/alert.ts';
import { alertDefaults as absent } from './alert-defaults.ts';
import { splitCommandLine } from '../schema/format/command-line.ts';
import { parseMailServer, parseRecipient, parseServiceUrl } from './format/service-url.ts';
import { duration, name, oneOrMany, parsed, path, text } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const url = parsed(parseServiceUrl, { kind: 'URL', examples: ['https://alerts.example.org/hook'] });
const caFile = key(
  oneOrMany(path),
  'Files of certificate authorities in PEM, by which the server is trusted besides the public ones.',
  absent.caFile,
);
const urlOr = {
  url: key(
    hide(url, 'value'),
    'Where messages are sent. It is a secret: take it from a variable, or name a `url_file`.',
  ),
  url_file: key(hide(path, 'file', 'url'), 'A file with the URL.'),
};
const chat = section({ ...urlOr, ca_file: caFile });
const recipient = parsed(parseRecipient, { kind: 'mail address', examples: ['ops@example.org'] });

const alertTarget = section({
  webhook: key(
    section({
      ...urlOr,
      token: key(
        hide(text, 'value'),
        'Sent as `Authorization: Bearer`. A secret: take it from a variable, or name a `token_file`.',
      ),
      token_file: key(hide(path, 'file', 'token'), 'A file with the token.'),
      ca_file: caFile,
    }),
    'A POST with JSON ([its keys](alerts.md#the-json)).',
  ),
  slack: key(chat, 'An incoming webhook of Slack, or of Mattermost.'),
  discord: key(chat, 'A webhook of Discord.'),
  pagerduty: key(
    section({
      routing_key: key(
        hide(text, 'value'),
        'The integration key (Events API v2). A secret: take it from a variable, or name a `routing_key_file`.',
      ),
      routing_key_file: key(hide(path, 'file', 'routingKey'), 'A file with the integration key.'),
      url: key(hide(url, 'value'), 'Where events are sent.', absent.pagerdutyUrl),
      ca_file: caFile,
    }),
    'An incident of PagerDuty is triggered, and resolved with what it is about.',
  ),
  smtp: key(
    section({
      server: parsed(parseMailServer, { kind: 'address', examples: ['smtp.example.org:587'] }).meta({
        description:
          'Host and port of the mail server; without a port 587, 465 with `tls: implicit`, 25 with `tls: none`.',
      }),
      tls: key(
        z.enum(['starttls', 'implicit', 'none']),
        '`starttls`: the server must offer it, and its certificate be valid; `implicit`: TLS from the first byte; `none`: in clear text.',
        absent.smtpTls,
      ),
      username: key(text, 'The user, where the server wants a login (AUTH PLAIN or LOGIN).'),
      password: key(hide(text, 'value'), 'The password. A secret: take it from a variable, or name a `password_file`.'),
      password_file: key(hide(path, 'file', 'password'), 'A file with the password.'),
      from: recipient.meta({ description: 'The address that mails come from.' }),
      to: oneOrMany(recipient).meta({ description: 'Who gets them.' }),
      ca_file: caFile,
    }),
    'A mail.',
  ),
  command: key(
    hide(
      section({
        run: hide(
          z.union([parsed(splitCommandLine, { kind: 'command line' }), z.array(text).min(1)]),
          'command',
          'command',
        ).meta({
          description:
            'Program and arguments, as one line or a list. No shell runs. The message is JSON on its standard input.',
          examples: ['/usr/local/bin/tell-ops --urgent'],
        }),
        timeout: key(duration, 'How long it may run; then it is killed.', absent.commandTimeout),
      }),
      'command',
    ),
    'A program that is started for each message. It has delivered it when it exits with 0.',
  ),
  kinds: key(
    z.array(z.enum(alertKinds)),
    '`incident`: requests fail; `gateway`: the gateway itself refuses clients, or has hardly any descriptor left; `release`: a new instance of an application does not become ready; `application`: one that was ready ends again and again; `certificate`: one expires, or cannot be obtained; `disk`: hardly any space is left; `records`: the log or the store cannot be written; `slo`: an objective is missed.',
    absent.kinds,
  ),
  changes: key(z.array(z.enum(alertChanges)), 'Which changes of them are sent.', absent.changes),
  min_severity: key(
    z.enum(alertSeverities),
    'What is less severe is not sent. Of an incident, `info`: retries hide it from clients; `critical`: a tenth of the requests fail.',
    absent.severityMin,
  ),
  upstreams: key(
    z.array(text),
    'Only what concerns one of these upstreams or applications, or no upstream at all.',
    absent.upstreams,
  ),
  routes: key(z.array(text), 'Only what concerns one of these routes, by id, or no route at all.', absent.routes),
});

export const alerts = section({
  link: key(url, 'Where people reach the dashboard: messages link to it.', absent.link),
  grown_every: key(duration, 'An incident that grows is reported at most once in this time.', absent.grownEvery),
  targets: key(z.record(name, alertTarget), 'Who is told, by name.', absent.targets),
});

export type AlertsRead = z.output<typeof alerts>;
export type AlertTargetRead = z.output<typeof alertTarget>;
