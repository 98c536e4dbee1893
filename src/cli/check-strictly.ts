import { apiRoot } from '../admin/operations.ts';
import type { TimeoutStatus } from '../core/schemas/status.ts';
import type { Configuration } from '../core/configuration.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { findAdmin } from './find-admin.ts';
import { statusOfJson } from './gateway-lookup.ts';
import type { ProcessContext } from './process-context.ts';

/**
 * What the running gateway advises of the timeouts in a configuration, from what its store has observed. A timeout that the file sets
 * to another value than the gateway has is left out: the advice is about the other one.
 */
export async function timeoutAdviceFor(
  { routes }: Pick<Configuration, 'routes'>,
  config: string,
  context: ProcessContext,
): Promise<readonly TimeoutStatus[]> {
  const target = await findAdmin({ config }, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) throw refusal(answer);
  const limits = new Map(routes.map(({ id, timeouts }) => [String(id), timeouts.responseHeadMs]));
  return statusOfJson(answer.body).timeouts.filter(({ route, limitMs }) => limits.get(route) === limitMs);
}
