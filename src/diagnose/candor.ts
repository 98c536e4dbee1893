import { dialect, type Dialect } from '#explain/dialect.ts';
import { readEventLine, recogniseEventLine } from './event-line.ts';
import { recogniseRecordLine, readRecordLine } from './record-line.ts';

/** Our own log: the records of exchanges, and the lines of the control plane. */
export const candorDialects: readonly Dialect[] = [
  dialect('candor', 'Candor exchange log', recogniseRecordLine, readRecordLine),
  dialect('candor', 'Candor control plane log', recogniseEventLine, readEventLine),
];
