import type { GatewayProduct } from '../../diagnose/finding.ts';
import type { SummaryReport } from '../../diagnose/summary-report.ts';
import { gatewayWords, manyText } from './finding-words.ts';

/**
 * An access log without a connection or request in it cannot be held against the error log that tells of the same
 * failures: where a gateway has both, what the one cannot tell is probably in the other, and counted there too.
 */
export function maybeTwice({ byGateway, byCause }: Pick<SummaryReport, 'byGateway' | 'byCause'>): string[] {
  const of = (gateway: GatewayProduct, kind: 'access' | 'error') =>
    byGateway.some((one) => one.gateway === gateway && one[kind] > 0 && one.failures > 0);
  return [...new Set(byGateway.map(({ gateway }) => gateway))].flatMap((gateway) => {
    const untold = byCause.filter((cause) => cause.gateway === gateway && cause.shape === 'unknown');
    const count = untold.reduce((sum, cause) => sum + cause.count, 0);
    if (count === 0 || !of(gateway, 'access') || !of(gateway, 'error')) return [];
    const whose = gatewayWords[gateway];
    return [
      `${manyText(count, 'failure')} that ${whose}'s access log cannot tell the cause of may be counted twice: its error log is here too`,
    ];
  });
}
