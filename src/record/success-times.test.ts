import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { GatewayState } from '../core/schemas/gateway-state.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { ExchangeRecords } from './exchange-record.ts';
import { RecordedGatewayStates } from './success-times.ts';
import { failedExchange, sampleAttempt, sampleExchange } from './sample-exchange.test-support.ts';

const long = 'x'.repeat(5000);
const endpoint = {
  ...{ endpoint: long, state: 'unhealthy', since_ms: 1, reason: `GET /?token=canary answered 500 ${long}` },
  ...{ open: 0, idle: 0, waiting: 0, open_max: 256 },
};
const state: GatewayState = {
  configuration: 'd41d8cd98f00b204',
  ...{ endpoints_ready: 0, endpoints_total: 4, endpoints: [endpoint, endpoint, endpoint, endpoint] },
  breaker: { state: 'open', reason: `Authorization: Bearer canary ${long}` },
  queues: [{ queue: `route ${long}`, for: 'turn', waiting: 1, in_flight: 1, in_flight_max: 1 }],
};

test('a state has no secret, and 4 KiB at most, whatever names and reasons are', () => {
  const states = new RecordedGatewayStates(new TextRedactor());
  for (let time = 0; time < 2; time += 1) {
    const json = JSON.stringify(states.recorded(state));
    assert.ok(!json.includes('canary'), json);
    assert.ok(json.length <= 4096, `${json.length} bytes`);
  }
});

test('exchanges that have not failed have no state: it is not even asked for', () => {
  let asked = 0;
  const context = { deployment: 'shop', member: 'gw-1', processStartedUnixMs: 0, processKey: 'k3f9xa', worker: 1 };
  const gatewayStateOf = (): GatewayState => {
    asked += 1;
    return { configuration: null };
  };
  const records = new ExchangeRecords({ ...context, queryAllowed: [], fullDetail: true, gatewayStateOf });
  const redirected = { attempts: [], statusSent: 301, statusReceived: 0, endKind: 'generated' } as const;
  const tunnel = { protocol: 'websocket', how: 'closed', by: 'client', closeCode: 1000 } as const;
  for (const changes of [{}, redirected, { tunnel, statusSent: 101, statusReceived: 101 }])
    assert.equal(records.recordOf(sampleExchange(changes)).gateway_state, undefined);
  assert.equal(asked, 0);
  const failure = fail('connect_refused', 'connect', { address: '127.0.0.1:3000' });
  const retried = [sampleAttempt({ failure, retry: true }), sampleAttempt()];
  for (const exchange of [failedExchange(failure, 502), sampleExchange({ attempts: retried })])
    assert.deepEqual(records.recordOf(exchange).gateway_state, { configuration: null });
});
