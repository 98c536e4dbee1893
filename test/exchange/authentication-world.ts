/** A gateway in memory whose only endpoint is the application and, at paths of its own, the service that knows the users. */
import type { RouteSpec } from '../../src/core/route-spec.ts';
import { type AuthenticationSpec, authenticationName } from '../../src/features/authentication/settings.ts';
import { authentication } from '../../src/features/authentication/worker.ts';
import { StreamWorld } from './stream-world.ts';
import type { ArrivedRequest, ClientActor, RequestText, WorldOptions } from './world.ts';

export interface AuthenticationWorld extends StreamWorld {
  /** What came to the application, and what to the service. */
  readonly toApplication: ArrivedRequest[];
  readonly toService: ArrivedRequest[];
}

interface Given {
  readonly schemes: AuthenticationSpec['schemes'];
  readonly common?: Partial<AuthenticationSpec>;
  readonly service?: (request: ArrivedRequest) => void;
  readonly application?: (request: ArrivedRequest) => void;
  /** Paths of the service. */
  readonly servicePaths?: readonly string[];
  readonly options?: WorldOptions;
  readonly routes?: readonly Partial<RouteSpec>[];
}

export async function authenticationWorld(given: Given): Promise<AuthenticationWorld> {
  const { schemes, common = {}, service, application, servicePaths = ['/verify', '/keys'], options = {} } = given;
  const spec: AuthenticationSpec = {
    ...{ schemes, realm: 'Internal', require: null, userHeader: 'X-User', groupsHeader: 'X-Groups' },
    ...common,
  };
  await authentication.loadFor?.(spec);
  const world = new StreamWorld({
    routes: given.routes ?? [{ features: { [authenticationName]: spec } }],
    headersReserved: ['x-user', 'x-groups', 'x-email', 'remote-user', 'remote-groups'],
    ...options,
  });
  const toApplication: ArrivedRequest[] = [];
  const toService: ArrivedRequest[] = [];
  world.endpoint('a').onRequest = (request) => {
    const isForService = servicePaths.some((path) => request.target.split('?')[0] === path);
    (isForService ? toService : toApplication).push(request);
    if (isForService) service?.(request);
    else if (application === undefined) request.answer(200, 'ok');
    else application(request);
  };
  return Object.assign(world, { toApplication, toService });
}

/** Signatures are verified in the threads of the pool, in real time. */
export async function asked(world: StreamWorld, request: RequestText = {}, passMs = 200): Promise<ClientActor> {
  const client = world.request(request);
  const end = performance.now() + 5000;
  for (let passed = 0; client.status === 0 && performance.now() < end; ) {
    if (passed < passMs) world.pass(1);
    // Without turning in circles while a thread works.
    await new Promise<unknown>((resolve) => (passed < passMs ? setImmediate(resolve, 0) : setTimeout(resolve, 1)));
    passed++;
  }
  world.pass(50);
  await new Promise(setImmediate);
  return client;
}
