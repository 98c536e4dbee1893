import type { ConfigurationJson } from '../core/schemas/configurations.ts';
import type { ServerResponse } from 'node:http';
import type { Gateway } from '../control/gateway-status.ts';
import type { KeptConfigurations } from '../control/configuration-history.ts';
import { snakeCased } from '#failures/json-case.ts';
import type { KeptConfiguration } from '../core/kept-configuration.ts';
import { sendJson, sendProblem } from './answer.ts';

/** A configuration without its text, as programs read it. */
interface ConfigurationSummary extends Omit<KeptConfiguration, 'outcome' | 'at' | 'lastAt' | 'text' | 'unshown'> {
  /** `active`: the gateway runs it. `earlier`: it did. `refused`: it was never applied. */
  readonly state: 'active' | 'earlier' | 'refused';
  /** RFC 3339. */
  readonly at: string;
  readonly lastAt: string;
}

type Source = Pick<Gateway, 'configurations'>;

/** `GET /v1/configuration`: what the gateway runs. */
export function sendConfiguration(
  { searchParams }: URL,
  gateway: Pick<Gateway, 'configurations' | 'effectiveConfiguration'>,
  response: ServerResponse,
): void {
  const { configurations } = gateway;
  const { current } = configurations;
  const asked = searchParams.get('effective') ?? 'false';
  if (asked !== 'true' && asked !== 'false') return sendProblem(response, 400, 'effective is true or false.');
  if (current === null) return sendProblem(response, 404, 'The gateway has not applied a configuration yet.');
  const effective = asked === 'true' ? { effective: gateway.effectiveConfiguration() } : {};
  sendJson(response, 200, { ...withText(current, configurations), ...effective });
}

/** `GET /v1/configurations`: those that were applied and refused, the newest first. */
export function sendConfigurations({ configurations }: Source, response: ServerResponse): void {
  sendJson(response, 200, {
    configurations: configurations.list.map((one) => snakeCased(summary(one, configurations))),
  });
}

/** `GET /v1/configurations/{id}` */
export function sendKeptConfiguration({ configurations }: Source, id: string, response: ServerResponse): void {
  const found = configurations.list.find((one) => String(one.id) === id);
  if (found !== undefined) return sendJson(response, 200, withText(found, configurations));
  sendProblem(response, 404, `No configuration that is kept has the number ${id}.`);
}

function withText(one: KeptConfiguration, kept: KeptConfigurations): ConfigurationJson {
  // Hashes of values stay here: each says something about a secret.
  const unshown = one.unshown?.map(({ key, version }) => ({ key, version })) ?? null;
  return snakeCased({ ...summary(one, kept), text: one.text, unshown });
}

function summary(one: KeptConfiguration, { current }: KeptConfigurations): ConfigurationSummary {
  const { id, outcome, text, unshown, at, lastAt, ...rest } = one;
  const state = outcome === 'refused' ? 'refused' : one === current ? 'active' : 'earlier';
  return { id, state, at: new Date(at).toISOString(), lastAt: new Date(lastAt).toISOString(), ...rest };
}
