/** Reads `traceparent`: W3C Trace Context, level 1 §3.2. */
export interface TraceContext {
  /** 32 lowercase hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lowercase hexadecimal digits, not all zero: the caller's span. */
  readonly parentId: string;
  /** Two hexadecimal digits. */
  readonly flags: string;
}

const format = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const allZero = /^0+$/;

/**
 * A traceparent field's value; null when it is to be ignored and a new trace begun (§3.2.2.3). A later version than 00
 * may have more behind the known part; version 00 may not, and ff is forbidden.
 */
export function parseTraceparent(text: string): TraceContext | null {
  const found = format.exec(text);
  if (found === null) return null;
  const [, version, traceId = '', parentId = '', flags = '', rest] = found;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (allZero.test(traceId) || allZero.test(parentId)) return null;
  return { traceId, parentId, flags };
}
