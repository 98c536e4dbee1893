/** What `import … from 'candor/diagnose'` gives, in Node and in a browser. */
export { allDialects } from './all-dialects.ts';
export { type Dialect, dialect, type LineReader } from './dialect.ts';
export { type ExplainOptions, type Explanation, explain } from './explain.ts';
export * from './finding.ts';
export { type LineVerdict, LogExplainer } from './log-explainer.ts';
export { OctetLog, type OctetLogOptions } from './octet-log.ts';
export { Summary } from './summary.ts';
export type * from './summary-report.ts';
