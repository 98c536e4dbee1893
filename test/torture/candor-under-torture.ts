import type { TortureGroup, TortureStage } from '../../src/testing/torture/stage.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';

export interface CandorUnderTorture {
  readonly port: number;
  /** Failures that it could not classify. */
  unclassified(): number;
  stop(): Promise<void>;
}

/** The gateway of this repository with a route to every part of the torture origin. */
export async function startCandorBefore({ groups, tls }: TortureStage): Promise<CandorUnderTorture> {
  const there = groups.filter(({ missing }) => missing === null);
  const yaml = [
    // Short, so that the whole suite takes seconds; longer than the slow but valid answers take.
    'timeouts: { connect: 300ms, tls: 300ms, response_head: 500ms, idle: 250ms }',
    'upstreams:',
    ...there.map((group) => `  ${group.name}: ${upstreamOf(group, tls?.serverName ?? '')}`),
    'routes:',
    ...there.map(({ name, path }) => `  - { path: ${path}, to: ${name} }`),
    '',
  ].join('\n');
  const gateway = await startFromYaml(yaml, { files: { 'authority.pem': tls?.authority.certificate ?? '' } });
  return {
    port: gateway.address().port,
    unclassified: () => gateway.counts().unclassified,
    stop: () => gateway.stop(),
  };
}

function upstreamOf({ url }: TortureGroup, serverName: string): string {
  const { protocol, hostname, port } = new URL(url);
  const address = `${hostname}:${port === '' ? 80 : port}`;
  return protocol === 'https:'
    ? `{ endpoints: "https://${address}", tls: { server_name: ${serverName}, ca_file: authority.pem }, check: none }`
    : `{ endpoints: "${address}", check: none }`;
}
