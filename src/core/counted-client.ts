import type { ClientFacts, User } from './exchange.ts';
import { userPrefix } from './route-traffic.ts';

export interface CountedParty {
  readonly client: Pick<ClientFacts, 'address'>;
  readonly user?: User | null;
}

/**
 * As what requests count where it is asked who sends them: the user who has authenticated, whose requests may come from many addresses, else the
 * address. `clientNetwork` makes one client of it.
 */
export function countedClient({ client, user }: CountedParty): string {
  return user == null ? client.address : `${userPrefix}${user.name}`;
}
