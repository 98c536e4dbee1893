/** What the package exports. */
export * from './failure.ts';
export { failureTable } from './failure-table.ts';
export * from './failure-spec.ts';
export * from './failure-texts.ts';
export * from './failure-words.ts';
export * from './proxy-error.ts';
export * from './rules.ts';
export * from './shape.ts';
export * from './stage.ts';
