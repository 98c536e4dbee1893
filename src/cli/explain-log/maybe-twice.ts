import type { GatewayProduct } from '../../diagnose/finding.ts';
import type { SummaryReport } from '../../diagnose/summary-report.ts';
import { gatewayWords, manyText } from './finding-words.ts';

/**
 * Warns about failures that may be counted twice. An access log without a connection number or request id cannot be
 * joined with the error log. If a gateway has both, a failure that is `unknown` in the access log is probably in the
 * error log too.
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
      `${manyText(count, 'failure')} without a cause in ${whose}'s access log may be counted twice, since its error log was read too`,
    ];
  });
}
