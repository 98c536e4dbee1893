import type { TortureGroup, TortureStage } from '../../src/testing/torture/stage.ts';
import { startFromYaml } from '../gateway/start-from-yaml.ts';
import { edgeFiles, listenersYaml } from '../tls-clients/tls-edge.ts';

interface CandorUnderTorture {
  readonly port: number;
  /** Failures that it could not classify. */
  unclassified(): number;
  stop(): Promise<void>;
}

/** The gateway of this repository with a route to every part of the torture origin. `https`: its clients come within TLS. */
export async function startCandorBefore(
  { groups, tls }: TortureStage,
  scheme: 'http' | 'https' = 'http',
): Promise<CandorUnderTorture> {
  const there = groups.filter(({ missing }) => missing === null);
  const yaml = [
    listenersYaml({ https: '' }),
    // Short, so that the whole suite takes seconds; longer than the slow but valid answers take.
    'timeouts: { connect: 300ms, tls: 300ms, response_head: 500ms, idle: 250ms }',
    'upstreams:',
    ...there.map((group) => `  ${group.name}: ${upstreamOf(group, tls?.serverName ?? '')}`),
    'routes:',
    ...there.map(({ name, path }) => `  - { path: ${path}, to: ${name} }`),
    '',
  ].join('\n');
  const files = { ...edgeFiles, 'authority.pem': tls?.authority.certificate ?? '' };
  const gateway = await startFromYaml(yaml, { files });
  return {
    port: gateway.address(scheme).port,
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
