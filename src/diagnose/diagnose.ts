/** The exports of `candor/diagnose`, for Node and for browsers. */
export type { ProxyErrorType } from '../core/proxy-error.ts';
export type { Shape, Whose } from '../core/shape.ts';
export type { Stage } from '../core/stage.ts';
export { allDialects } from './all-dialects.ts';
export { customLogFormat } from './custom-format.ts';
export { type Dialect, dialect, type DialectReader as LineReader } from './dialect.ts';
export { type ExplainOptions, type Explanation, explain } from './explain.ts';
export * from './finding.ts';
export { type LineVerdict, LogExplainer } from './log-explainer.ts';
export { nginxLogFormat } from './nginx/log-format.ts';
export { ByteLog, type ByteLogOptions } from './byte-log.ts';
export { Summary } from './summary.ts';
export type * from './summary-report.ts';
export * from './whose/whose.ts';
