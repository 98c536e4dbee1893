import type { Cause } from '#failures/failure.ts';

/** Whether nothing listens at the address. The system answers at once, and the attempt costs the endpoint nothing. */
export function isRefusal(cause: Cause | undefined): boolean {
  return cause === 'connect_refused' || cause === 'connect_socket_missing';
}
