import type { AlertChannelSpec } from '../core/alert.ts';
import type { Clock } from '../core/time.ts';
import { alertJson } from './alert-json.ts';
import type { AlertChannel } from './channel.ts';
import { discord, pagerDuty, slack } from './chat-messages.ts';
import { CommandChannel } from './command-channel.ts';
import { HttpChannel, type HttpService } from './http-channel.ts';
import { SmtpChannel } from './smtp-channel.ts';

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
