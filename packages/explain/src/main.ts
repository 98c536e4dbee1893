/** What the package exports, for Node and for browsers. */
export type { ProxyErrorType } from '../../failures/src/proxy-error.ts';
export type { Shape, Whose } from '../../failures/src/shape.ts';
export type { Stage } from '../../failures/src/stage.ts';
export { allDialects } from './all-dialects.ts';
export { customLogFormat } from './explain.ts';
export { type Dialect, dialect, type DialectReader as LineReader } from './dialect.ts';
export { type ExplainOptions, type Explanation, explain } from './explain.ts';
export * from './finding.ts';
export { type LineVerdict, LogExplainer } from './log-explainer.ts';
export { nginxLogFormat } from './nginx/log-format.ts';
export { ByteLog, type ByteLogOptions } from './byte-log.ts';
export { Summary } from './summary.ts';
export type * from './summary-report.ts';
export * from './whose/whose.ts';
