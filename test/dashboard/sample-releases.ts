import type { ApplicationReleasesStatus, RolloutStatus } from '../../src/core/schemas/releases.ts';

/** What a gateway says of its releases: a canary that goes on, one that was taken back, and an application that was never deployed. */

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

function release(number: number, name: string, more: Partial<ApplicationReleasesStatus['releases'][number]> = {}) {
  return {
    ...{
      number,
      name,
      digest: String(number).repeat(64),
      command: 'node server.js',
      environment: ['PORT', 'DATABASE_URL'],
    },
    ...{ environmentChanged: [], from: { kind: 'folder' as const, text: `/srv/builds/shop/2026-11-2${number}` } },
    ...{
      createdAt: ago(86_400 * (5 - number)),
      actor: 'admin:token:ci',
      configuration: null,
      builtMs: null,
      bytes: 38_000_000 + number,
    },
    ...more,
  };
}

const canary: RolloutStatus = {
  ...{ id: 4, from: 'r3', to: '2026-11-27.2', strategy: 'canary', state: 'shifting', actor: 'admin:token:ci' },
  ...{ beganAt: ago(95), share: 0.25, shares: [0.05, 0.25, 0.5, 1], leftMs: 24_000, reason: null, remarks: [] },
  judgement: {
    ...{ verdict: 'inconclusive', reason: '412 of 1,501 requests of 2026-11-27.2 seen', evidence: 7.4, limit: 100 },
    old: { requests: 3120, failures: 2, serverErrors: 4, late: 31 },
    fresh: { requests: 412, failures: 0, serverErrors: 5, late: 6 },
    ...{ worst: { route: 'cart', event: 'server_error', cause: null }, requestsNeeded: 1501 },
  },
};

const bad = '9 of 31 requests of r2 failed (reset), 0 of 590 of r1';

const aborted: RolloutStatus = {
  ...{ id: 2, from: 'r1', to: 'r2', strategy: 'canary', state: 'aborted', actor: 'admin:session:oncall' },
  ...{ beganAt: ago(7200), share: 0, shares: [0.05, 1], leftMs: null, reason: bad, remarks: [] },
  judgement: {
    ...{ verdict: 'bad', reason: bad, evidence: 48_211, limit: 100 },
    old: { requests: 590, failures: 0, serverErrors: 0, late: 3 },
    fresh: { requests: 31, failures: 9, serverErrors: 0, late: 0 },
    ...{ worst: { route: '', event: 'failure', cause: 'reset_before_head' }, requestsNeeded: 1501 },
  },
};

const past = { strategy: 'canary', actor: 'admin:token:ci', verdict: null, reason: null, endedAt: null } as const;

export const sampleReleases: readonly ApplicationReleasesStatus[] = [
  {
    ...{ application: 'shop', inForce: 'r3', previous: 'r2', warm: null, rollout: canary, making: null, last: null },
    releases: [
      release(4, '2026-11-27.2', {
        environment: ['PORT', 'DATABASE_URL', 'CART_LIMIT'],
        environmentChanged: ['CART_LIMIT', 'DATABASE_URL'],
        from: { kind: 'git', text: '4f1c2a9' },
        createdAt: ago(120),
      }),
      release(3, 'r3', { environmentChanged: ['LEGACY_MODE'] }),
      release(2, 'r2', { environment: ['PORT', 'DATABASE_URL', 'LEGACY_MODE'], environmentChanged: ['LEGACY_MODE'] }),
      release(1, 'r1', { from: { kind: 'configuration', text: 'candor.yaml' }, bytes: 0, actor: 'admin:socket' }),
    ],
    rollouts: [
      {
        ...past,
        rollout: 4,
        from: 3,
        fromName: 'r3',
        to: 4,
        toName: '2026-11-27.2',
        state: 'shifting',
        beganAt: ago(95),
      },
      {
        ...{
          ...past,
          rollout: 3,
          from: 2,
          fromName: 'r2',
          to: 3,
          toName: 'r3',
          state: 'promoted',
          beganAt: ago(90_000),
          endedAt: ago(89_000),
        },
        ...{
          verdict: 'good',
          reason: 'no more failures or late responses in 4,120 requests of r3 than in 4,205 of r2',
        },
      },
      {
        ...{
          ...past,
          rollout: 2,
          from: 1,
          fromName: 'r1',
          to: 2,
          toName: 'r2',
          state: 'promoted',
          beganAt: ago(180_000),
          endedAt: ago(179_000),
        },
        ...{ strategy: 'blue_green', verdict: 'inconclusive', reason: '0 of 1,501 requests of r1 seen' },
      },
      {
        ...past,
        rollout: 1,
        from: null,
        fromName: null,
        to: 1,
        toName: 'r1',
        state: 'promoted',
        beganAt: ago(180_000),
        endedAt: ago(180_000),
      },
    ],
  },
  {
    ...{ application: 'search', inForce: 'r1', previous: null, warm: null, rollout: null, making: null, last: aborted },
    releases: [release(2, 'r2'), release(1, 'r1')],
    rollouts: [
      {
        ...past,
        rollout: 2,
        from: 1,
        fromName: 'r1',
        to: 2,
        toName: 'r2',
        state: 'aborted',
        beganAt: ago(7200),
        verdict: 'bad',
        reason: bad,
      },
      {
        ...past,
        rollout: 1,
        from: null,
        fromName: null,
        to: 1,
        toName: 'r1',
        state: 'promoted',
        beganAt: ago(9000),
        endedAt: ago(9000),
      },
    ],
  },
  {
    ...{ application: 'worker', inForce: null, previous: null, warm: null, rollout: null, making: null, last: null },
    ...{ releases: [], rollouts: [] },
  },
];
