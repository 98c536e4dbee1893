export { attach, serve } from './serve.ts';
export type { Kit } from './kit.ts';
export type { KitOptions, ListenOptions } from './kit-options.ts';
export type { CheckFunction, CheckOptions, CheckReport, Checks, CheckStatus } from './health-checks.ts';
export type { HealthDocument } from './health-document.ts';
export { currentRequest, type KitRequest } from './request-context.ts';
export { labelConsole, logFields, type LogFields, winstonFields } from './log-fields.ts';
export type { OutgoingRule } from './outgoing-headers.ts';
