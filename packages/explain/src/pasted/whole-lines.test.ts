import assert from 'node:assert/strict';
import { it } from 'node:test';
import { explain } from '../explain.ts';

const entry = (details: string, path: string): string => `---
httpRequest:
  latency: 0.012s
  requestMethod: GET
  requestUrl: https://shop.example.org${path}
  status: 502
insertId: ${path.slice(1)}
jsonPayload:
  '@type': type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry
  statusDetails: ${details}
resource:
  labels:
    backend_service_name: shop
  type: http_load_balancer
timestamp: '2026-11-21T10:00:00.123456Z'
`;

it('entries of Google in YAML are read as one line each, with their request, status, backend and time', () => {
  const log = entry('failed_to_connect_to_backend', '/cart') + entry('backend_timeout', '/pay');
  const { lines, summary } = explain(log, { pasted: true });
  const read = lines.map((one) => [one?.gateway, one?.shape, one?.status, one?.request, one?.upstream, one?.atMs]);
  const atMs = Date.UTC(2026, 10, 21, 10, 0, 0, 123);
  assert.deepEqual(read, [
    ['gcp-lb', 'unreachable', 502, 'GET /cart', 'shop', atMs],
    ['gcp-lb', 'too_slow', 502, 'GET /pay', 'shop', atMs],
  ]);
  assert.equal(summary.failures, 2);
});
