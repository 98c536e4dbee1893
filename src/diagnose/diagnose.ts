import { ByteLog, type ByteLogOptions } from '#explain/byte-log.ts';
import { explain as explainLog, type ExplainOptions, type Explanation } from '#explain/explain.ts';
import { LogExplainer } from '#explain/log-explainer.ts';
import { allDialects } from './all-dialects.ts';

/** The exports of `candor/diagnose`, for Node and for browsers: those of the package that explains logs, which reads Candor's own logs too here. */
export * from '#explain/main.ts';
export { allDialects, OwnByteLog as ByteLog, OwnLogExplainer as LogExplainer };

export function explain(log: string, options: ExplainOptions = {}): Explanation {
  return explainLog(log, { dialects: allDialects, ...options });
}

class OwnLogExplainer extends LogExplainer {
  constructor(...[dialects = allDialects, options]: ConstructorParameters<typeof LogExplainer>) {
    super(dialects, options);
  }
}

class OwnByteLog extends ByteLog {
  constructor(options: ByteLogOptions = {}) {
    super({ dialects: allDialects, ...options });
  }
}
