import { setTimeout as sleep } from 'node:timers/promises';
import { type DnsServer, dnsAddresses } from '../src/testing/dns-server.ts';
import { type MeasuredGateway, type StallConfiguration } from './stall-gateway.ts';

/** What a situation needs to happen once. */
export interface SituationContext {
  readonly gateway: MeasuredGateway;
  readonly dns: DnsServer;
  readonly configuration: StallConfiguration;
  /** Counts the rounds of all situations. */
  readonly round: number;
  /** The id of a request that has just been answered; '' unless the situation needs one. */
  readonly requestId: string;
  readonly quietMs: number;
}

export interface Situation {
  readonly name: string;
  /** Of which gateway: the endpoints of `calm` are not checked, those of `checked` once a second each. */
  readonly gateway: 'calm' | 'checked';
  readonly needsRequest?: true;
  /** Lets it happen once. Resolves with the bytes of the answer when it is over. */
  readonly run: (context: SituationContext) => Promise<number>;
  /** Undoes it, outside of the measurement. */
  readonly undo?: (context: SituationContext) => Promise<unknown>;
}

const quiet = async ({ quietMs }: SituationContext): Promise<number> => {
  await sleep(quietMs);
  return 0;
};

const read =
  (path: string): Situation['run'] =>
  async ({ gateway }) => {
    const { status, bytes, text } = await gateway.ask('GET', path);
    if (status !== 200) throw new Error(`${path} was answered with ${status}: ${text.slice(0, 200)}`);
    return bytes;
  };

const change = async ({ gateway }: SituationContext, kind: string, body: object): Promise<number> => {
  const { status, bytes, text } = await gateway.ask('POST', `/v1/overlay/${kind}`, body);
  if (status !== 200) throw new Error(`${kind} was answered with ${status}: ${text.slice(0, 200)}`);
  return bytes;
};

const restore = (context: SituationContext): Promise<number> => change(context, 'restore', {});

async function reload({ gateway }: SituationContext, configuration: StallConfiguration): Promise<number> {
  await gateway.write(configuration);
  const { status, bytes, text } = await gateway.ask('POST', '/v1/reload');
  if (status !== 200) throw new Error(`the reload was answered with ${status}: ${text.slice(0, 500)}`);
  return bytes;
}

/** No exchange has this id, so all of the log is searched. */
const unknownId = '00000000-0000-7000-8000-000000000000';

export const situations: readonly Situation[] = [
  { name: 'quiet', gateway: 'calm', run: quiet },
  {
    name: 'reload, one route and upstream changed',
    gateway: 'calm',
    run: (context) => reload(context, { ...context.configuration, version: context.round }),
  },
  {
    name: 'reload, every route changed',
    gateway: 'calm',
    run: (context) => reload(context, { ...context.configuration, commitDelayMs: 100 + context.round }),
  },
  { name: 'status', gateway: 'calm', run: read('/v1/status') },
  { name: 'readiness', gateway: 'calm', run: read('/v1/ready') },
  { name: 'metrics', gateway: 'calm', run: read('/metrics') },
  { name: 'events', gateway: 'calm', run: read('/v1/events?follow=false') },
  {
    name: 'explain, in memory',
    gateway: 'calm',
    needsRequest: true,
    run: (context) => read(`/v1/exchanges/${context.requestId}`)(context),
  },
  {
    name: 'explain, search of the log',
    gateway: 'calm',
    run: async ({ gateway }) => (await gateway.ask('GET', `/v1/exchanges/${unknownId}`)).bytes,
  },
  {
    name: 'maintenance of a route',
    gateway: 'calm',
    run: (context) => change(context, 'maintenance', { route: '/version' }),
    undo: restore,
  },
  {
    name: 'maintenance of all routes',
    gateway: 'calm',
    run: (context) => change(context, 'maintenance', {}),
    undo: restore,
  },
  {
    name: 'drain of an endpoint',
    gateway: 'calm',
    run: (context) => change(context, 'drain', { endpoint: `127.1.0.3:${context.configuration.port}` }),
    undo: restore,
  },
  {
    name: 'a name leads to 200 other addresses',
    gateway: 'calm',
    run: async ({ dns, round }) => {
      setPool(dns, round);
      await sleep(1500);
      return 0;
    },
  },
  { name: 'checks of each endpoint, 1 a second', gateway: 'checked', run: quiet },
  { name: 'status, with checks', gateway: 'checked', run: read('/v1/status') },
];

/** The name server answers with 200 addresses, which differ from round to round. */
export function setPool(dns: DnsServer, round: number): void {
  const addresses = Array.from({ length: 200 }, (_, index) => `127.${2 + (round % 50)}.0.${index + 1}`);
  dns.on('pool.test', dnsAddresses(1, ...addresses));
}
