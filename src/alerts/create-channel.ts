import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { AlertChannelSpec, Alert } from '../core/alert.ts';
import type { Clock } from '../core/time.ts';
import { alertJson, headline, shortened, withoutLinks } from './alert-json.ts';
import {
  type AlertChannel,
  accepted,
  type AlertMessage,
  marked,
  refused,
  type SendResult,
  withoutSecrets,
} from './channel.ts';
import { HttpChannel, type HttpService } from './http-channel.ts';
import { SmtpChannel } from './smtp-channel.ts';
import { leftOut } from '../redact/span.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { programFault } from './network-error.ts';
import { withStreams } from '../deploy/child-streams.ts';

/** More would hide the verdict. */
const evidenceShown = 5;

/** Slack's incoming webhooks: `text` is for notifications, the blocks are shown. */
const slack: HttpService = {
  body: ({ alert, link }) => ({
    text: slackText(headline(alert)),
    unfurl_links: false,
    blocks: [
      // A header takes plain text of 150 characters, a section 3,000.
      { type: 'header', text: { type: 'plain_text', text: shortened(headline(alert), 150), emoji: false } },
      section(slackText(shortened(alert.text, 1200))),
      ...(alert.evidence.length === 0
        ? []
        : [
            section(
              shownEvidence(alert)
                .map((fact) => `• ${slackText(fact)}`)
                .join('\n'),
            ),
          ]),
      ...(alert.nextStep === null ? [] : [section(`*Next step:* ${slackText(shortened(alert.nextStep, 600))}`)]),
      { type: 'context', elements: [{ type: 'mrkdwn', text: slackText(contextOf(alert)) }] },
      ...(link === null ? [] : [section(`<${link}|Open it in the dashboard>`)]),
    ],
  }),
  refusal: (status, body) => {
    const code = /^[a-z_]{3,60}$/.exec(body.trim())?.[0];
    return code === undefined
      ? null
      : { reason: `Slack refused it: ${code} (${status})`, nextStep: slackSteps[code] ?? replaceWebhook };
  },
};

const replaceWebhook = 'Create the incoming webhook in Slack anew, and write its URL.';
const slackSteps: Readonly<Record<string, string>> = {
  invalid_payload: 'Slack did not understand the message: update Candor, or report it as a defect.',
  channel_is_archived: 'The channel is archived: choose another one for the webhook.',
  action_prohibited: 'An administrator of the workspace has forbidden such messages.',
  posting_to_general_channel_denied: 'Choose another channel for the webhook.',
};

function section(text: string): object {
  // `verbatim`: what looks like a URL or a channel in a quoted text becomes no link.
  return { type: 'section', text: { type: 'mrkdwn', text, verbatim: true } };
}

/** These three characters are markup in Slack, also in mentions such as <!channel>. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Discord's webhooks. */
const discord: HttpService = {
  body: ({ alert, link }) => ({
    // Nothing that a message quotes may call people.
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: discordText(shortened(headline(alert), 200)),
        description: discordText(shortened(alert.text, 1500)),
        color: colours[alert.change === 'resolved' ? 'resolved' : alert.severity],
        timestamp: new Date(alert.at).toISOString(),
        ...(link === null ? {} : { url: link }),
        fields: [
          ...(alert.evidence.length === 0
            ? []
            : [
                {
                  name: 'Evidence',
                  value: shortened(
                    shownEvidence(alert)
                      .map((fact) => `- ${discordText(fact)}`)
                      .join('\n'),
                    1024,
                  ),
                },
              ]),
          ...(alert.nextStep === null
            ? []
            : [{ name: 'Next step', value: shortened(discordText(alert.nextStep), 1024) }]),
        ],
        footer: { text: shortened(contextOf(alert), 500) },
      },
    ],
  }),
};

const colours = { resolved: 0x2e_a0_43, info: 0x38_8b_fd, warning: 0xd2_99_22, critical: 0xda_36_33 } as const;

/** Without what Discord shows as markup, but for code. */
function discordText(text: string): string {
  return withoutLinks(text).replace(/[\\*_~|>[\]]/g, (mark) => `\\${mark}`);
}

function shownEvidence({ evidence }: Alert): readonly string[] {
  return evidence.slice(0, evidenceShown).map((fact) => shortened(fact, 300));
}

function contextOf({ deployment, member, subject, severity, change }: Alert): string {
  return `${deployment} · ${member} · ${subject} · ${severity} · ${change}`;
}

/** Events of PagerDuty, version 2: a thing is triggered, triggered again when it grows, and resolved. */
function pagerDuty(routingKey: string): HttpService {
  const body = ({ alert, link }: AlertMessage, key: string): object => ({
    routing_key: key,
    event_action: alert.change === 'resolved' ? 'resolve' : 'trigger',
    dedup_key: dedupKey(alert),
    payload: {
      summary: shortened(headline(alert), 1024),
      source: `${alert.deployment}/${alert.member}`,
      severity: alert.severity,
      timestamp: new Date(alert.at).toISOString(),
      component: alert.upstream ?? alert.subject,
      group: alert.deployment,
      class: alert.kind,
      custom_details: { text: alert.text, evidence: alert.evidence, next_step: alert.nextStep, routes: alert.routes },
    },
    client: 'Candor',
    ...(link === null ? {} : { client_url: link, links: [{ href: link, text: 'Dashboard' }] }),
  });
  return {
    body: (message) => body(message, routingKey),
    shown: (message) => body(message, '…'),
    key: routingKey,
    refusal: (status) =>
      status === 400
        ? {
            reason: 'PagerDuty refused the event (400)',
            nextStep: 'See whether the routing key is that of an Events API v2 integration.',
          }
        : null,
  };
}

/** PagerDuty takes 255 characters. */
function dedupKey({ deployment, member, key }: Alert): string {
  return shortened(`candor/${deployment}/${member}/${key}`, 255);
}

/** Only the end of the output is kept. */
const outputMax = 2000;

/** Starts a program for each message, which gets it as JSON on its standard input. No shell runs. */
export class CommandChannel implements AlertChannel {
  readonly destination: string;
  readonly #command: readonly string[];

  constructor(command: readonly string[]) {
    this.#command = command;
    this.destination = basename(command[0] ?? '');
  }

  send(message: AlertMessage, signal: AbortSignal): Promise<SendResult> {
    const [program = '', ...words] = this.#command;
    const secrets = secretsOf(this.#command);
    const json = `${JSON.stringify(alertJson(message))}\n`;
    const sent = marked('>', `${this.destination}, with on its standard input:\n${json}`.trimEnd());
    return new Promise((resolve) => {
      // In a process group of its own: what a script has started ends with it, and cannot hold its output open.
      const env = commandEnvironment(process.env);
      const child = withStreams(spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env }));
      let output = '';
      const collect = (part: string): void => void (output = (output + part).slice(-outputMax));
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', collect);
      const kill = (): void => endGroup(child.pid);
      signal.addEventListener('abort', kill, { once: true });
      const end = (result: SendResult): void => {
        signal.removeEventListener('abort', kill);
        resolve(result);
      };
      child.on('error', (error) => {
        const { reason, nextStep } = programFault(error, program);
        end(refused(reason, nextStep, { isRetriable: true, exchange: [...sent, `< ${reason}`] }));
      });
      child.on('close', (code, byWhat) => {
        const printed = output.trim() === '' ? '(it printed nothing)' : output.trim();
        const exchange = [...sent, ...marked('<', withoutSecrets(printed, secrets))];
        if (code === 0 && !signal.aborted) return end(accepted(`${this.destination} exited with 0`, exchange));
        const how = signal.aborted
          ? 'did not end in time and was killed'
          : code === null
            ? `was ended by ${byWhat}`
            : `exited with ${code}`;
        end(refused(`${this.destination} ${how}`, 'See what the program printed.', { isRetriable: true, exchange }));
      });
      // A program that reads nothing breaks the pipe: its exit code decides.
      child.stdin.on('error', () => {});
      child.stdin.end(json);
    });
  }
}

const redactor = new TextRedactor();

/** What the rule for commands hides, which the program may print: whole words, and what follows `--token=`. */
function secretsOf(command: readonly string[]): readonly string[] {
  return redactor.redactCommand(command).flatMap((shown, at) => {
    const word = command[at] as string;
    return shown.endsWith(leftOut) && word.startsWith(shown.slice(0, -leftOut.length))
      ? [word.slice(shown.length - leftOut.length)]
      : [];
  });
}

/** What a program needs to run, and what is written for it; secrets of the gateway's environment are not for it. */
export function commandEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isPassed = (name: string): boolean =>
    passed.has(name) || (name.startsWith('CANDOR_') && !ownVariables.has(name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isPassed(name)));
}

const passed: ReadonlySet<string> = new Set(['PATH', 'HOME', 'LANG', 'TZ', 'USER']);

/** The token of the admin API, and the mark by which the gateway knows its own applications. */
const ownVariables: ReadonlySet<string> = new Set(['CANDOR_TOKEN', 'CANDOR_START']);

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

interface ChannelContext {
  readonly clock: Clock;
  /** 'Candor/1.2.3' */
  readonly userAgent: string;
  /** This machine's name, for mail servers. */
  readonly ownName: string;
}

export function createChannel(spec: AlertChannelSpec, { clock, userAgent, ownName }: ChannelContext): AlertChannel {
  const http = (url: string, ca: readonly string[], service: HttpService, token: string | null = null): AlertChannel =>
    new HttpChannel({ url, token, ca, userAgent }, service, clock);
  switch (spec.type) {
    case 'webhook':
      return http(spec.url, spec.ca, { body: alertJson }, spec.token);
    case 'slack':
      return http(spec.url, spec.ca, slack);
    case 'discord':
      return http(spec.url, spec.ca, discord);
    case 'pagerduty':
      return http(spec.url, spec.ca, pagerDuty(spec.routingKey));
    case 'smtp':
      return new SmtpChannel(spec, ownName);
    case 'command':
      return new CommandChannel(spec.command);
  }
}
