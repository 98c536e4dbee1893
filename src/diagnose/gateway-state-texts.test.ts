import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GatewayState } from '../core/schemas/gateway-state.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import { endpointsOutText, gatewayStateTexts } from './gateway-state-texts.ts';

const pool = { open: 4, idle: 1, waiting: 0, open_max: 256 };
const endpoint = {
  endpoint: 'shop/127.0.0.1:3000',
  state: 'ejected',
  since_ms: 1200,
  reason: '5 requests failed',
  ...pool,
};

function recordOf(changes: Partial<ExchangeRecord>): ExchangeRecord {
  return { upstream: 'shop', route: '/cart', revision: 3, ...changes } as ExchangeRecord;
}

function textsOf(state: GatewayState, changes: Partial<ExchangeRecord> = {}, id: number | null = null): string[] {
  const texts = gatewayStateTexts(recordOf({ gateway_state: state, ...changes }), id === null ? null : { id });
  return texts.map(([label, text]) => `${label}: ${text}`);
}

test('what the gateway knew is said in a line for each thing', () => {
  const state: GatewayState = {
    configuration: 'd41d8cd98f00b204',
    ...{ endpoints_ready: 1, endpoints_total: 3 },
    endpoints: [{ ...endpoint, waiting: 2, refusing: true, in_flight: 5, in_flight_max: 5 }],
    breaker: { state: 'half_open', reason: 'it lets one request through' },
    queues: [
      { queue: 'route /cart', for: 'turn', waiting: 1, in_flight: 20, in_flight_max: 20 },
      { queue: 'upstream shop', for: 'endpoint', waiting: 3 },
    ],
  };
  assert.deepEqual(textsOf(state, {}, 12), [
    'endpoints: 1 of 3 ready',
    'endpoint: 127.0.0.1:3000: ejected for 1.20 s: 5 requests failed; it refused the last connection',
    'pool: 4 of 256 connections open, 1 idle, 3 in use; 5 of 5 requests in flight; 2 requests waited',
    'breaker: of route /cart: half open: it lets one request through',
    'queue: of route /cart: 1 request waited for their turn; 20 of 20 requests in flight',
    'queue: of upstream shop: 3 requests waited until an endpoint is ready',
    'configuration: number 12: `candor configuration show 12`; revision 3, hash d41d8cd98f00b204',
  ]);
});

test('of several endpoints each pool has the name of its own', () => {
  const other = { ...endpoint, endpoint: 'shop/127.0.0.1:3001' };
  const texts = textsOf({ configuration: null, endpoints_ready: 0, endpoints_total: 2, endpoints: [endpoint, other] });
  assert.deepEqual(
    texts.filter((text) => text.startsWith('pool')).map((text) => text.slice(0, 24)),
    ['pool: of 127.0.0.1:3000:', 'pool: of 127.0.0.1:3001:'],
  );
});

test('what is not known is not said', () => {
  assert.deepEqual(textsOf({ configuration: null }), ['configuration: revision 3']);
  assert.deepEqual(gatewayStateTexts(recordOf({}), null), []);
  const long = { ...endpoint, since_ms: 7_500_000, reason: '' };
  const [, second] = textsOf({ configuration: 'a', endpoints_ready: 1, endpoints_total: 1, endpoints: [long] });
  assert.equal(second, 'endpoint: 127.0.0.1:3000: ejected for 2 h 5 min');
});

describe('the verdict says how many endpoints were out', () => {
  const attempts = [{}] as AttemptRecord[];
  const cases: readonly (readonly [
    what: string,
    ready: number,
    total: number,
    Partial<ExchangeRecord>,
    text: string,
  ])[] = [
    ['one of two', 1, 2, { attempts, shape: 'unreachable' }, '1 of 2 endpoints was out.'],
    ['two of three', 1, 3, { attempts, shape: 'reset' }, '2 of 3 endpoints were out.'],
    ['all', 0, 3, { attempts, shape: 'too_slow' }, 'None of the 3 endpoints was ready.'],
    ['none', 3, 3, { attempts, shape: 'garbage' }, ''],
    ['the only one', 0, 1, { attempts, shape: 'garbage' }, ''],
    ['two of three, and the pool of the third is full', 1, 3, { cause: 'pool_full' }, '2 of 3 endpoints were out.'],
    ['all, which the sentence says already', 0, 3, { cause: 'no_endpoint_ready' }, ''],
    ['one, and the client has left', 1, 2, { attempts, shape: 'client_abort' }, ''],
    ['one, and the request was answered after a retry', 1, 2, { attempts, shape: 'none' }, ''],
  ];
  for (const [what, ready, total, changes, text] of cases)
    test(what, () => {
      const gateway_state = { configuration: null, endpoints_ready: ready, endpoints_total: total };
      const record = recordOf({ attempts: [], shape: 'refused_by_gateway', cause: null, gateway_state, ...changes });
      assert.equal(endpointsOutText(record), text);
    });
});
