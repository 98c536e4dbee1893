import type { HeadStorage } from '../../wire/head-storage.ts';
import type { DecodedSection } from '../../wire/h2/decoded-section.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import type { LostExchanges } from './lost-exchanges.ts';
import type { StrainedTurns } from './read-turns.ts';

/** What all HTTP/2 connections of a thread share. */
export interface Http2Buffers {
  readonly storage: HeadStorage;
  /** Of the header block that is being decoded, and of the one that is being composed. */
  readonly section: DecodedSection;
  readonly block: HeaderBlockWriter;
  readonly strainedTurns: StrainedTurns;
  readonly lostExchanges: LostExchanges;
}
