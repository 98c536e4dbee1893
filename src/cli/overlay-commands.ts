import { buildCommand } from '@stricli/core';
import { type AskFlags, askFlags, optionalText, parseDurationFlag, describe, type ParserContext } from './flags.ts';
import { CommandFailure } from './command-failure.ts';

/** Commands that override the configuration file at run time, until `candor restore`. */

const outlives = 'This outlives reloads and restarts, until `candor restore`.';

const endpointPosition = { brief: 'Id, address or instance', parse: String, placeholder: 'endpoint' } as const;

interface MaintenanceFlags extends AskFlags {
  readonly message?: string;
  /** Milliseconds. */
  readonly retryAfter?: number;
}

export const maintenanceCommand = buildCommand<MaintenanceFlags, [string?], ParserContext>({
  docs: {
    brief: 'Answer 503 for a route, an upstream or all',
    fullDescription: describe(
      `Requests in flight finish; new ones are answered 503 with the message and\nRetry-After. Routes that report readiness go on where no route is named. The\nname of an upstream or application stands for the routes that lead to it now.\n${outlives}`,
      'candor maintenance',
      'candor maintenance web',
      'candor maintenance /api --message "Back at noon." --retry-after 10m',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      message: optionalText('<text> that clients read', 'text'),
      retryAfter: {
        kind: 'parsed',
        parse: parseRetryAfter,
        brief: '<duration> after which to come back',
        placeholder: 'duration',
        optional: true,
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Id of a route or an upstream', parse: String, placeholder: 'target', optional: true }],
    },
    aliases: { c: 'config' },
  },
  async func(flags, route) {
    const { changeOverlay } = await import('./change-overlay.ts');
    const retryAfterS = flags.retryAfter === undefined ? undefined : Math.ceil(flags.retryAfter / 1000);
    const body = { route, message: flags.message, retry_after_s: retryAfterS };
    await changeOverlay({ kind: 'maintenance', body }, flags, this.processContext);
  },
});

interface PauseFlags extends AskFlags {
  /** Milliseconds. */
  readonly for?: number;
  readonly waiters?: number;
}

export const pauseCommand = buildCommand<PauseFlags, [string], ParserContext>({
  docs: {
    brief: 'Let requests wait, until `candor restore`',
    fullDescription: describe(
      `Requests for a route or an upstream wait until the pause is restored, and go on\nthen: for the restart of a database, say. A request that waits longer than\n--for, or finds --waiters waiting, is answered 503. This outlives reloads and\nrestarts, until \`candor restore\`.`,
      'candor pause api --for 10s',
      'candor pause route:/checkout --waiters 200',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      for: {
        kind: 'parsed',
        parse: parseWait,
        brief: '<duration> to wait, 5s if absent',
        placeholder: 'duration',
        optional: true,
      },
      waiters: {
        kind: 'parsed',
        parse: parseWaiters,
        brief: '<number> of waiters, 1000 if absent',
        placeholder: 'number',
        optional: true,
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Id of a route or an upstream', parse: String, placeholder: 'target' }],
    },
    aliases: { c: 'config' },
  },
  async func(flags, target) {
    const { changeOverlay } = await import('./change-overlay.ts');
    const body = { target, wait_ms: flags.for, waiters_max: flags.waiters };
    await changeOverlay({ kind: 'pause', body }, flags, this.processContext);
  },
});

export const drainCommand = buildCommand<AskFlags, [string], ParserContext>({
  docs: {
    brief: 'Send an endpoint no new requests',
    fullDescription: describe(
      `Requests in flight finish.\n${outlives}\nEnds with 9 where there is no such endpoint.`,
      'candor drain 10.0.0.5:3000',
      'candor drain api/10.0.0.5:3000 --json',
    ),
  },
  parameters: {
    flags: askFlags,
    positional: { kind: 'tuple', parameters: [endpointPosition] },
    aliases: { c: 'config' },
  },
  async func(flags, endpoint) {
    const { changeOverlay } = await import('./change-overlay.ts');
    await changeOverlay({ kind: 'drain', body: { endpoint } }, flags, this.processContext);
  },
});

interface EjectFlags extends AskFlags {
  /** Milliseconds. */
  readonly for?: number;
  readonly reason?: string;
  readonly force: boolean;
}

export const ejectCommand = buildCommand<EjectFlags, [string], ParserContext>({
  docs: {
    brief: 'Take an endpoint out while others can serve',
    fullDescription: describe(
      'The endpoint gets no new requests as long as another one of its upstream can be\nchosen, for the time of --for, or until `candor restore`; it outlives reloads\nand restarts. The last one that is ready needs --force, and goes on getting\nrequests; `candor drain` takes it out in any case. Ends with 9 where there is\nno such endpoint, and with 10 where --force is needed.',
      'candor eject 10.0.0.5:3000 --for 10m --reason "disk is slow"',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      for: {
        kind: 'parsed',
        parse: parseEjection,
        brief: '<duration> that it is out for',
        placeholder: 'duration',
        optional: true,
      },
      reason: optionalText('<text> that says why', 'text'),
      force: { kind: 'boolean', brief: 'Also the last one that is ready', default: false, withNegated: false },
    },
    positional: { kind: 'tuple', parameters: [endpointPosition] },
    aliases: { c: 'config' },
  },
  async func(flags, endpoint) {
    const { changeOverlay } = await import('./change-overlay.ts');
    const seconds = flags.for === undefined ? undefined : Math.ceil(flags.for / 1000);
    const body = { endpoint, seconds, reason: flags.reason, force: flags.force };
    await changeOverlay({ kind: 'eject', body }, flags, this.processContext);
  },
});

export const weightCommand = buildCommand<AskFlags, [string, number], ParserContext>({
  docs: {
    brief: 'Change the share of requests that an endpoint gets',
    fullDescription: describe(
      `An endpoint gets new requests in proportion to its weight, 0 to 1000; each has\nweight 1 otherwise. With 0 it gets none while another endpoint can be chosen.\n${outlives}`,
      'candor weight 10.0.0.5:3000 0',
      'candor weight api/10.0.0.5:3000 10',
    ),
  },
  parameters: {
    flags: askFlags,
    positional: {
      kind: 'tuple',
      parameters: [endpointPosition, { brief: '0 to 1000', parse: parseWeight, placeholder: 'weight' }],
    },
    aliases: { c: 'config' },
  },
  async func(flags, endpoint, weight) {
    const { changeOverlay } = await import('./change-overlay.ts');
    await changeOverlay({ kind: 'weight', body: { endpoint, weight } }, flags, this.processContext);
  },
});

export const restoreCommand = buildCommand<AskFlags, [string?], ParserContext>({
  docs: {
    brief: 'Undo what operators have changed at run time',
    fullDescription: describe(
      'Clears one entry of the overlay, or all that name a route, upstream or endpoint;\nwithout an argument, all of them. The configuration file decides again.\n`candor status` lists the entries.',
      'candor restore',
      'candor restore drain:api/10.0.0.5:3000',
    ),
  },
  parameters: {
    flags: askFlags,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'An entry, or what it names', parse: String, placeholder: 'what', optional: true }],
    },
    aliases: { c: 'config' },
  },
  async func(flags, what) {
    const { changeOverlay } = await import('./change-overlay.ts');
    await changeOverlay({ kind: 'restore', body: { what } }, flags, this.processContext);
  },
});

function parseRetryAfter(input: string): number {
  const ms = parseDurationFlag(input);
  if (ms >= 1000 && ms <= 86_400_000) return ms;
  throw new CommandFailure('usage', 'Retry-After is from 1s to 24h');
}

function parseEjection(input: string): number {
  const ms = parseDurationFlag(input);
  if (ms >= 1000 && ms <= 7 * 86_400_000) return ms;
  throw new CommandFailure('usage', 'an endpoint is ejected for 1s to 168h');
}

function parseWait(input: string): number {
  const ms = parseDurationFlag(input);
  if (ms >= 100 && ms <= 300_000) return ms;
  throw new CommandFailure('usage', 'a request waits from 100ms to 5m');
}

function parseWaiters(input: string): number {
  const count = Number(input);
  if (/^\d{1,6}$/.test(input) && count >= 1 && count <= 100_000) return count;
  throw new CommandFailure('usage', 'a number from 1 to 100000 is wanted');
}

function parseWeight(input: string): number {
  const weight = Number(input);
  if (/^\d{1,4}$/.test(input) && weight <= 1000) return weight;
  throw new CommandFailure('usage', 'a weight is a whole number from 0 to 1000');
}
