import { currentRequest } from './request-context.ts';

export interface LogFields {
  readonly request_id?: string;
  readonly trace_id?: string;
}

/** What each line of a log should have, as an object: `pino({ mixin: logFields })`. Empty outside of a request. */
export function logFields(): LogFields {
  const request = currentRequest();
  if (request === undefined) return {};
  const { id, traceId } = request;
  return { request_id: id, ...(traceId === null ? {} : { trace_id: traceId }) };
}

/** A format of winston: `format.combine(winstonFields, format.json())`. */
export const winstonFields: { readonly transform: <T extends object>(info: T) => T } = {
  transform: (info) => Object.assign(info, logFields()),
};

const methods = ['debug', 'log', 'info', 'warn', 'error'] as const;
type ConsoleMethods = Record<(typeof methods)[number], (...args: unknown[]) => void>;

/**
 * Lets each line of the console end with the ids of its request. They come last, because the first argument may be a format,
 * and the beginning of an error says what it is. The function returned takes that back.
 */
export function labelConsole(target: ConsoleMethods = console): () => void {
  const before = methods.map((method) => [method, target[method]] as const);
  for (const [method, write] of before)
    target[method] = (...args) => {
      const fields = Object.entries(logFields()).map(([name, value]) => `${name}=${value}`);
      write.call(target, ...args, ...(fields.length === 0 ? [] : [fields.join(' ')]));
    };
  return () => {
    for (const [method, write] of before) target[method] = write;
  };
}
