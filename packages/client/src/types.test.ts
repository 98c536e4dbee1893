import { test } from 'node:test';
import { expectTypeOf } from 'expect-type';
import {
  type CallFailure,
  type ClassifyResponse,
  type ClientClock,
  createFetch,
  type createRetryPolicy,
  failureOf,
  type FetchOptions,
  GatewayError,
  type NextStep,
  type ResilientFetch,
} from './main.ts';
import type { Delivery, Shape, Whose } from '../../failures/src/shape.ts';
import type { SimulatedClock } from '../../../src/testing/simulated-clock.ts';

/** Checked by the compiler (`npm run check`). */
test('the types are those of fetch, and of the package of failures', () => {
  const fetch = createFetch();
  expectTypeOf(fetch).toEqualTypeOf<ResilientFetch>();
  expectTypeOf(fetch).toExtend<typeof globalThis.fetch>();
  expectTypeOf(fetch).returns.resolves.toEqualTypeOf<Response>();
  expectTypeOf(fetch).parameter(0).toEqualTypeOf<string | URL | Request>();
  expectTypeOf<RequestInit>().toExtend<NonNullable<Parameters<typeof fetch>[1]>>();
  expectTypeOf(globalThis.fetch).toExtend<NonNullable<FetchOptions['fetch']>>();
  expectTypeOf<SimulatedClock>().toExtend<ClientClock>();

  expectTypeOf<GatewayError>().toExtend<TypeError>();
  expectTypeOf<GatewayError>().toExtend<CallFailure>();
  expectTypeOf<GatewayError['shape']>().toEqualTypeOf<Shape | null>();
  expectTypeOf<GatewayError['whose']>().toEqualTypeOf<Whose | null>();
  expectTypeOf<GatewayError['delivery']>().toEqualTypeOf<Delivery>();
  expectTypeOf<GatewayError['mayHaveBeenExecuted']>().toEqualTypeOf<boolean>();
  expectTypeOf<GatewayError['retryAfter']>().toEqualTypeOf<number | null>();
  expectTypeOf(failureOf).returns.toEqualTypeOf<CallFailure | null>();

  expectTypeOf<ReturnType<ReturnType<typeof createRetryPolicy>['begin']>>()
    .toHaveProperty('failed')
    .returns.toEqualTypeOf<NextStep>();
  const next = {} as NextStep;
  if (next.retry) expectTypeOf(next.delayMs).toEqualTypeOf<number>();
  // @ts-expect-error Without a retry there is no wait.
  else expectTypeOf(next.delayMs).toEqualTypeOf<undefined>();

  createFetch({
    retry: false,
    breaker: false,
    hedge: null,
    concurrency: { max: 4 },
    idempotency: { honouredBy: ['https://a'] },
  });
  // @ts-expect-error The time has a unit in its name.
  createFetch({ timeouts: { attempt: 1000 } });
  // @ts-expect-error A signature must say who wrote the answer.
  const classify: ClassifyResponse = () => ({ gateway: 'nginx' });
  expectTypeOf(classify).toEqualTypeOf<ClassifyResponse>();
});
