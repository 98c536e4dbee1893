import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import { conditionText, listText } from '../core/exchange-query.ts';
import { isCause } from './failure-family.ts';
import type { CountedCause, Lateness, LiveIncident } from '../core/live-incident.ts';
import { statusConditionsOf } from '../core/answer-words.ts';

/** Finds the requests that an incident counts: a search goes by when requests began, and a timeout fails long after that. */
export function requestsQuery(incident: LiveIncident): string {
  const { resolvedAt, lastAt } = incident;
  return [
    ...(unusualConditions(incident) ?? failureConditions(incident)),
    ...upstreamCondition(incident),
    sinceText(incident),
    ...(resolvedAt === null ? [] : [`until:${timeText(lastAt)}`]),
  ].join(' ');
}

/** Finds those of its requests that failed with its cause, without what followed from them. */
export function ownCauseQuery(incident: LiveIncident): string {
  const { cause } = incident;
  return queryOf(incident, [cause === null ? appError : conditionText('cause', cause)]);
}

/** Of an incident without failures: finds requests that were late, or answered otherwise. Null: no condition tells these from the others of the route. */
export function unusualQuery(incident: LiveIncident): string | null {
  const { lateness, answers } = incident;
  if (lateness !== undefined) return queryOf(incident, lateConditions(lateness));
  const status = answers === undefined ? null : statusConditionsOf(answers);
  if (answers === undefined || status === null) return null;
  // The gateway answers with 4xx too, and what HEAD and OPTIONS are answered is not compared.
  const compared = ['shape:none', '-method:HEAD', '-method:OPTIONS'];
  return queryOf(incident, [conditionText('route', answers.route), ...status, ...compared]);
}

const queryOf = (incident: LiveIncident, conditions: readonly string[]): string =>
  [...conditions, ...upstreamCondition(incident), sinceText(incident)].join(' ');

const appError = 'shape:app_error';

/** A whole request takes at least as long as its response to begin. */
const lateConditions = ({ route, limitMs, left }: Lateness): readonly string[] => [
  conditionText('route', route),
  left === undefined ? `duration:>${limitMs}ms` : 'shape:client_abort',
];

/** Null: its requests fail. */
function unusualConditions({ family, lateness, answers, routes }: LiveIncident): readonly string[] | null {
  if (family === 'slower') return lateness === undefined ? [] : lateConditions(lateness);
  if (family !== 'changed') return null;
  return [
    ...(routes.length === 0
      ? []
      : [
          listText(
            'route',
            routes.map(({ route }) => route),
          ),
        ]),
    ...(answers === undefined ? ['status:4xx'] : []),
  ];
}

/** Of all its causes and consequences. */
function failureConditions({ cause, causes, failed }: LiveIncident): readonly string[] {
  // An attempt that another one answered is no failed request.
  const counted = failed === 0 ? causes : causes.filter((one) => one.failed !== 0);
  const kinds: readonly CountedCause['cause'][] =
    counted.length === 0 ? [cause ?? 'app_error'] : counted.map((one) => one.cause);
  const named = kinds.filter(isCause);
  if (named.length === 0) return [appError];
  // The application's own 5xx have no cause.
  if (named.length < kinds.length && failed > 0)
    return [
      listText('shape', [...new Set(['app_error', ...named.map((kind) => shapeOfType(specOfCause(kind).type))])]),
    ];
  return [listText('cause', named), ...(failed === 0 ? [] : ['-shape:none'])];
}

/** With more the query gets long; its causes find nearly the same. */
const upstreamsMax = 10;

/** An incident of failures before an upstream was chosen has none. */
function upstreamCondition({ upstream, upstreams }: LiveIncident): readonly string[] {
  const names = upstream === '' ? upstreams.map((one) => one.upstream) : [upstream];
  return names.length === 0 || names.length > upstreamsMax || names.includes('') ? [] : [listText('upstream', names)];
}

const sinceText = (incident: LiveIncident): string => `since:${timeText(incident.firstRequestAt)}`;
const timeText = (wallMs: number): string => new Date(Math.ceil(wallMs)).toISOString();
