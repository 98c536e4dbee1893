import type { CostAnswer, UsageNow } from '../../src/core/schemas/usage.ts';

const idle = { restarts: 0, requestsPerS: 0, errorsPerS: 0, bytesOutPerS: 0, p50Ms: null, p99Ms: null };

export const sampleUsage: UsageNow['rows'] = [
  {
    ...{ application: 'shop', kind: 'instances', name: '', release: 'r12', cores: 0.412, memoryBytes: 188_743_680 },
    ...{ processes: 2, restarts: 1, requestsPerS: 41.2, errorsPerS: 0.1, bytesOutPerS: 812_000, p50Ms: 8.1, p99Ms: 61 },
    programs: [
      { id: 'shop/1', pid: 4711, cores: 0.2, memoryBytes: 94_371_840, processes: 1, cpuSource: 'times' },
      { id: 'shop/2', pid: 4712, cores: 0.212, memoryBytes: 94_371_840, processes: 1, cpuSource: 'times' },
    ],
  },
  {
    ...{ application: 'shop', kind: 'worker', name: 'mail', release: 'r12', cores: 0.02, memoryBytes: 41_943_040 },
    ...idle,
    processes: 1,
    programs: [
      { id: 'shop.mail/1', pid: 4720, cores: 0.02, memoryBytes: 41_943_040, processes: 1, cpuSource: 'group' },
    ],
  },
  {
    ...{ application: 'shop', kind: 'storage', name: '', release: '', cores: null, memoryBytes: 524_288_000 },
    ...idle,
    processes: 0,
    programs: [],
  },
];

export const sampleCost: CostAnswer = {
  since: '2026-11-01T00:00:00.000Z',
  until: '2026-11-28T03:00:00.000Z',
  measuredSince: '2026-11-04T10:00:00.000Z',
  currency: 'EUR',
  fixed: { price: 6.49, sharedBy: 'cpu_and_memory', cost: 5.11 },
  applications: [
    {
      application: 'shop',
      items: [
        { unit: 'cpu_hour', quantity: 102.4, price: null, cost: null },
        { unit: 'memory_gb_hour', quantity: 131.9, price: null, cost: null },
        { unit: 'storage_gb_month', quantity: 0.41, price: 0.05, cost: 0.0205 },
        { unit: 'bandwidth_out_gb', quantity: 38.2, price: 0.01, cost: 0.382 },
        { unit: 'million_requests', quantity: 1.91, price: null, cost: null },
        { unit: 'request_hour', quantity: 21.7, price: null, cost: null },
      ],
      fixed: { share: 1, cost: 5.11 },
      cost: 5.5125,
      parts: [
        { kind: 'instances', name: '', cpuHours: 98.1, memoryGbHours: 110.2 },
        { kind: 'worker', name: 'mail', cpuHours: 4.3, memoryGbHours: 21.7 },
      ],
    },
  ],
  total: 5.5125,
  forecasts: [
    {
      ...{ of: 'cost', month: '2026-11', soFar: 5.51, expected: 6.12, low: 6.05, high: 6.19 },
      assumptions: ['2.9 days are left; each is taken to be like the mean of the 23 whole days that are known.'],
    },
  ],
};
