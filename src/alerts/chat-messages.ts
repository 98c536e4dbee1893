import type { Alert } from '../core/alert.ts';
import { headline, shortened, withoutLinks } from './alert-json.ts';
import type { AlertMessage } from './channel.ts';
import type { HttpService } from './http-channel.ts';

/** More would hide the verdict. */
const evidenceShown = 5;

/** Slack's incoming webhooks: `text` is for notifications, the blocks are shown. */
export const slack: HttpService = {
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
export const discord: HttpService = {
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
export function pagerDuty(routingKey: string): HttpService {
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
