import { headersInLine } from './line-format.ts';

/** The lines that an exchange log may have. */
interface LogFormat {
  /** Its lines are records: they have ids and causes, and can be searched; `lost` and `process` lines stand among them. */
  readonly holdsRecords: boolean;
  /** Request headers that its lines have, whatever `log.headers` names. Lowercase. */
  readonly headers: readonly string[];
}

/** By the name in the configuration. `record/log-lines.ts` writes their lines. */
const logFormats = {
  json: { holdsRecords: true, headers: [] },
  /** Apache's, which other programs read. */
  combined: { holdsRecords: false, headers: ['referer', 'user-agent'] },
} as const satisfies Record<string, LogFormat>;

export const logFormatNames: readonly string[] = Object.keys(logFormats);

/** `format`: a name, or a text with variables. */
export function logFormatOf(format: string): LogFormat {
  if (format === 'json' || format === 'combined') return logFormats[format];
  return { holdsRecords: false, headers: headersInLine(format) };
}
