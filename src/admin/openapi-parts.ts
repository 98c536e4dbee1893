import { outputSchema, requestContextSchema, unparsedSchema } from '../core/schemas/output.ts';
import {
  drainRequestSchema,
  ejectRequestSchema,
  scaleRequestSchema,
  stopRequestSchema,
  maintenanceRequestSchema,
  pauseRequestSchema,
  restoreRequestSchema,
  weightRequestSchema,
} from '../control/overlay-request.ts';
import { configurationSchema, configurationsSchema } from '../core/schemas/configurations.ts';
import { alertsSchema, alertTestsSchema } from '../core/schemas/alerts.ts';
import {
  problemSchema,
  readinessSchema,
  reloadSchema,
  restartRequestSchema,
  restartSchema,
  stopSchema,
  upgradeLineSchema,
} from '../core/schemas/answers.ts';
import { jobRunLineSchema, jobRunRequestSchema, jobsSchema } from '../core/schemas/jobs.ts';
import { statusSchema } from '../core/schemas/status.ts';
import { overlayChangeSchema, overlaySchema } from '../core/schemas/overlay.ts';
import {
  acknowledgeRequestSchema,
  incidentSchema,
  incidentsSchema,
  muteRequestSchema,
} from '../core/schemas/incidents.ts';
import {
  deployRequestSchema,
  releasePlanSchema,
  releaseLogSchema,
  releasesSchema,
  rolloutRequestSchema,
  rolloutSchema,
} from '../core/schemas/releases.ts';
import {
  removeSecretRequestSchema,
  secretsChangeSchema,
  secretsSchema,
  setSecretsRequestSchema,
} from '../core/schemas/secrets.ts';
import { exchangeGroupsSchema, exchangesSchema, recordSchema } from '../core/schemas/record.ts';
import { eventSchema, eventsSchema, gapSchema } from '../core/schemas/events.ts';

import { costSchema, usageNowSchema, usageSchema } from '../core/schemas/usage.ts';
import { routeSchema, routeTimelinesSchema, timelineSchema } from '../core/schemas/traffic.ts';
import { linkSchema, sessionRequestSchema, sessionSchema } from '../core/schemas/sessions.ts';

export type Json = { readonly [name: string]: unknown };

export const schemas = {
  Status: statusSchema,
  Readiness: readinessSchema,
  Reload: reloadSchema,
  UpgradeLine: upgradeLineSchema,
  Stop: stopSchema,
  Overlay: overlaySchema,
  OverlayChange: overlayChangeSchema,
  MaintenanceRequest: maintenanceRequestSchema,
  PauseRequest: pauseRequestSchema,
  DrainRequest: drainRequestSchema,
  EjectRequest: ejectRequestSchema,
  ScaleRequest: scaleRequestSchema,
  StopRequest: stopRequestSchema,
  WeightRequest: weightRequestSchema,
  RestoreRequest: restoreRequestSchema,
  Event: eventSchema,
  Events: eventsSchema,
  Gap: gapSchema,
  ExchangeRecord: recordSchema,
  Exchanges: exchangesSchema,
  ExchangeGroups: exchangeGroupsSchema,
  RestartRequest: restartRequestSchema,
  Restart: restartSchema,
  Output: outputSchema,
  RequestContext: requestContextSchema,
  Unparsed: unparsedSchema,
  Incident: incidentSchema,
  AcknowledgeRequest: acknowledgeRequestSchema,
  MuteRequest: muteRequestSchema,
  Releases: releasesSchema,
  ReleaseLog: releaseLogSchema,
  ReleasePlan: releasePlanSchema,
  Rollout: rolloutSchema,
  DeployRequest: deployRequestSchema,
  RolloutRequest: rolloutRequestSchema,
  Secrets: secretsSchema,
  SecretsChange: secretsChangeSchema,
  SetSecretsRequest: setSecretsRequestSchema,
  RemoveSecretRequest: removeSecretRequestSchema,
  Jobs: jobsSchema,
  JobRunRequest: jobRunRequestSchema,
  JobRunLine: jobRunLineSchema,
  Incidents: incidentsSchema,
  Alerts: alertsSchema,
  AlertTests: alertTestsSchema,
  Session: sessionSchema,
  SessionRequest: sessionRequestSchema,
  Link: linkSchema,
  Route: routeSchema,
  Configuration: configurationSchema,
  Configurations: configurationsSchema,
  UsageNow: usageNowSchema,
  Usage: usageSchema,
  Cost: costSchema,
  Timeline: timelineSchema,
  RouteTimelines: routeTimelinesSchema,
  Problem: problemSchema,
};

export const reference = (name: keyof typeof schemas): Json => ({ $ref: `#/components/schemas/${name}` });
export const json = (description: string, name: keyof typeof schemas): Json => ({
  description,
  content: { 'application/json': { schema: reference(name) } },
});
export const problemDetails = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: reference('Problem') } },
});

export interface Details {
  readonly description: string;
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: Json;
}

/** The parameters of a page of events. */
export function eventParameters(): readonly Json[] {
  return [
    searchParameter(
      'since',
      'Events from this time on: a time ago (2h), a time of day in UTC, the last one before now (08:30), or a date (RFC 3339).',
    ),
    searchParameter('until', 'Events up to this time.'),
    {
      ...searchParameter('limit', 'The most events of a page.'),
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
    },
    searchParameter('cursor', '`cursor` of the page before: older events.'),
  ];
}

export function searchParameter(name: string, description: string): { readonly [key: string]: unknown } {
  return { name, in: 'query', required: false, schema: { type: 'string' }, description };
}
