import { addressText, type EndpointAddress } from '../core/endpoint.ts';
import { fail, type Failure, type Prohibition } from '#failures/failure.ts';

/** Why nothing is sent to an address, as the failure that a request would be given. */
export function prohibitedFailure(address: EndpointAddress, name: string | null, prohibition: Prohibition): Failure {
  return fail('destination_prohibited', 'route', { address: addressText(address), name, prohibition });
}
