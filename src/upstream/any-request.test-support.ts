import type { RequestFacts } from '../policy/balancer.ts';

/** Facts of a request, for tests in which the balancer does not go by them. */
export const anyRequest: RequestFacts = {
  method: 'GET',
  target: '/',
  request: { fields: { get: () => null } as unknown as RequestFacts['request']['fields'] },
  client: { address: '192.0.2.7' },
};
