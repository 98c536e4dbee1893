import { localEndpointSemaphores } from '../core/local-semaphore.ts';
import type { EndpointSemaphores } from '../core/semaphores.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { UpstreamPorts } from './ports.ts';

/** The semaphores that a snapshot names, which all workers share; without any, those of this worker alone. */
export function semaphoresOf(
  { semaphores: handle }: EndpointSnapshot,
  ports: UpstreamPorts,
  onWake: () => void,
): EndpointSemaphores {
  return handle === undefined ? localEndpointSemaphores() : ports.semaphores.endpoint(handle, onWake);
}

export function haveSameSemaphores({ semaphores: a }: EndpointSnapshot, { semaphores: b }: EndpointSnapshot): boolean {
  return a?.index === b?.index && a?.generation === b?.generation;
}

export function closeSemaphores(semaphores: EndpointSemaphores): void {
  const { connections, longLived, requests, waitingRequests, probation } = semaphores;
  for (const semaphore of [connections, longLived, requests, waitingRequests, probation]) semaphore.close();
}
