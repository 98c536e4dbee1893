import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  additionSentence,
  incidentSentence,
  incidentTitle,
  presentStep,
} from '../../src/incidents/incident-sentence.ts';
import { incidentStatus } from '../../src/incidents/incident-status.ts';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import { playScenario } from './play-scenario.ts';

// An endpoint refuses connections, so that it gets no requests; then something else listens there and sends what is no HTTP.

const upstreams = { api: { endpoints: 1, rate: 10, medianMs: 20, p99Ms: 90 } };

function played(goneS: number, garbageS: number, seconds = 60 + goneS + garbageS): ReturnType<typeof playScenario> {
  const since = 60 + goneS;
  return playScenario(
    {
      seconds,
      upstreams,
      steps: [
        {
          ...{ from: 60, to: since, state: 'unhealthy', reason: 'nothing listens there' },
          checkCause: 'connect_refused',
        },
        { from: 60, to: since, fail: 'no_endpoint_ready', share: 1 },
        { from: since, to: since + garbageS, fail: 'response_not_http', share: 1 },
      ],
    },
    3,
  );
}

const countOf = ({ causes }: LiveIncident, cause: string): number =>
  causes.find((one) => one.cause === cause)?.failed ?? 0;

test('an incident whose cause changes has the name of the present one, and tells of each cause with its own count', () => {
  for (const goneS of [4, 20, 45]) {
    const { incidents } = played(goneS, 20);
    assert.equal(incidents.length, 1, `${goneS} s`);
    const [incident] = incidents as [LiveIncident];
    const [before, after] = [countOf(incident, 'no_endpoint_ready'), countOf(incident, 'response_not_http')];
    assert.equal(before + after, incident.failed);
    assert.equal(incidentTitle(incident), "The endpoint's answer is not HTTP (upstream api)");
    assert.deepEqual(
      incident.suspects.map(({ name }) => name),
      ['nothing_listens'],
    );
    assert.deepEqual(
      incident.additions.map(({ causes, failed, suspects }) => [causes, failed, suspects.map(({ name }) => name)]),
      [[['response_not_http'], after, ['another_program']]],
    );
    const [addition] = incident.additions;
    const [from, to] = [incident.startedAt, addition?.since ?? 0].map((at) => new Date(at).toISOString().slice(11, 19));
    const ended = new Date(incident.firstUntil ?? 0).toISOString().slice(11, 19);
    assert.ok(ended < (to ?? ''));
    assert.equal(
      incidentSentence(incident),
      `Incident 1: the endpoint's answer is not HTTP (upstream api): ${incident.failed} of ${incident.requests} requests failed, ${after} of them with response_not_http. ` +
        'Something that does not speak the configured protocol answers at that address. ' +
        `From ${from} to ${ended} UTC requests also failed with no_endpoint_ready (${before} requests): At first nothing listened at the address of the application; later something did.`,
    );
  }
});

test('what kept requests from being sent stays suspected when checks meet the later cause too', () => {
  for (const isSent of [true, false]) {
    const { incidents } = playScenario(
      {
        seconds: 110,
        upstreams,
        steps: [
          {
            ...{ from: 60, to: 80, state: 'unhealthy', reason: 'nothing listens there' },
            checkCause: 'connect_refused',
          },
          { from: 60, to: 80, fail: 'no_endpoint_ready', share: 1 },
          ...(isSent ? [{ from: 80, to: 85, fail: 'response_not_http', share: 1 } as const] : []),
          {
            ...{
              from: isSent ? 85 : 80,
              to: 110,
              state: 'unhealthy',
              reason: 'answered with something that is not HTTP',
            },
            checkCause: 'response_not_http',
          },
          { from: isSent ? 85 : 80, to: 110, fail: 'no_endpoint_ready', share: 1 },
        ],
      },
      3,
    );
    assert.deepEqual(
      incidents.map(({ suspects, additions }) => [
        suspects.map(({ name }) => name),
        additions.map(({ causes }) => causes),
      ]),
      [[['nothing_listens'], [['response_not_http']]]],
      String(isSent),
    );
  }
});

test('failures before the cause changed do not follow from those after it', () => {
  const [incident] = played(20, 20).incidents;
  assert.deepEqual(
    incident?.causes.filter(({ isConsequence }) => isConsequence),
    [],
  );
});

test('people are told when the cause changes', () => {
  const { changes } = played(20, 20);
  assert.deepEqual(
    changes.filter(({ incident }) => incident.additions.length > 0).map(({ kind }) => kind),
    ['grown'],
  );
  // With the name of what fails now.
  assert.deepEqual(
    [...new Set(changes.map(({ incident }) => incidentTitle(incident)))],
    ['The application is unavailable (upstream api)', "The endpoint's answer is not HTTP (upstream api)"],
  );
});

test('where requests meet what checks have met, the incident has its name', () => {
  const { incidents } = playScenario(
    {
      seconds: 90,
      upstreams,
      steps: [
        {
          ...{ from: 60, to: 70, state: 'unhealthy', reason: 'nothing listens there' },
          checkCause: 'connect_refused',
        },
        { from: 60, to: 70, fail: 'no_endpoint_ready', share: 1 },
        { from: 70, to: 90, fail: 'connect_refused', share: 1 },
      ],
    },
    3,
  );
  assert.deepEqual(
    incidents.map(({ cause, additions }) => [cause, additions.length]),
    [['connect_refused', 0]],
  );
});

test('an incident that is over tells how long it took, and of both causes', () => {
  const [incident] = played(20, 20, 160).incidents;
  assert.ok(incident !== undefined && incident.resolvedAt !== null);
  assert.match(
    incidentSentence(incident),
    /: (\d+) of \d+ requests failed in (?:39|40) s, \d+ of them with no_endpoint_ready; no more since\. At first nothing listened/,
  );
});

test('of several causes in turn, those that have ended say until when, and the step is that of the present one', () => {
  const gone = { state: 'unhealthy', reason: 'nothing listens there', checkCause: 'connect_refused' } as const;
  const { incidents, changes } = playScenario(
    {
      seconds: 230,
      upstreams,
      steps: [
        { from: 60, to: 80, ...gone },
        { from: 60, to: 80, fail: 'no_endpoint_ready', share: 1 },
        { from: 80, to: 110, fail: 'response_not_http', share: 1 },
        { from: 110, to: 150, fail: 'response_head_timeout', share: 1 },
      ],
    },
    3,
  );
  const [resolved] = incidents;
  const now = changes.findLast(({ incident }) => incident.resolvedAt === null)?.incident;
  assert.ok(resolved !== undefined && now !== undefined && resolved.resolvedAt !== null);
  assert.equal(presentStep(now), now.additions[1]?.suspects[0]?.nextStep);
  const { firstUntil, ...goesOn } = now;
  assert.ok(firstUntil !== undefined);
  assert.equal(presentStep(goesOn), now.suspects[0]?.nextStep);
  assert.equal(presentStep(resolved), null);
  const [first = '', second = ''] = resolved.additions.map(additionSentence);
  assert.match(first, /^From (\S+) to \S+ UTC requests also failed with response_not_http/);
  assert.match(second, /^From (\S+) to \S+ UTC requests also failed with response_head_timeout/);
  const [garbage] = resolved.additions;
  assert.equal(Math.round(((garbage?.until ?? 0) - (garbage?.since ?? 0)) / 1000), 30);
});

test('an endpoint that answers with 5xx after a restart gives the incident its name', () => {
  for (const rate of [10, 4]) assertNamed(rate);
});

function assertNamed(rate: number): void {
  const gone = { state: 'unhealthy', reason: 'nothing listens there', checkCause: 'connect_refused' } as const;
  const { incidents, changes } = playScenario(
    {
      seconds: 200,
      upstreams: { api: { endpoints: 2, rate, medianMs: 20, p99Ms: 90 } },
      steps: [
        { from: 10, to: 50, ...gone },
        { from: 10, to: 50, fail: 'no_endpoint_ready', share: 1 },
        { from: 50, to: 90, fail: 'app_error', share: 1, endpoints: [2] },
      ],
    },
    3,
  );
  const now = changes.findLast(({ incident }) => incident.resolvedAt === null)?.incident;
  assert.ok(now !== undefined);
  const { title, cause, shape, suspects, additions } = incidentStatus({
    ...{ ...now, key: '1', interrupted: false, findings: [] },
  });
  assert.deepEqual(
    [title, cause, shape, suspects[0]?.sentence],
    [
      'The application answers with errors (upstream api)',
      null,
      'app_error',
      'Only api/2 fails; the other endpoints answer.',
    ],
  );
  assert.deepEqual(
    additions.map(({ causes, until, suspects: [first] }) => [causes, until !== undefined, first?.name]),
    [[['no_endpoint_ready'], true, 'nothing_listens']],
  );
  assert.deepEqual(incidents.map(incidentTitle), ['The application is unavailable (upstream api)']);
  // What the endpoints do later says nothing of why requests were not sent, also in a second without a failure.
  assert.deepEqual(
    incidents.map((one) => one.suspects.map(({ name }) => name)),
    [['nothing_listens']],
  );
}
