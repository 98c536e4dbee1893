import { DecodedSection } from '../../wire/h2/decoded-section.ts';
import { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import { Http2ResponseReader } from '../../wire/h2/response-head.ts';
import type { HeadStorage } from '../../wire/head-storage.ts';

/** What all HTTP/2 connections to endpoints share within a thread. */
export interface Http2EndpointBuffers {
  readonly storage: HeadStorage;
  /** Of the header block that is being decoded, and of the one that is being composed. */
  readonly section: DecodedSection;
  readonly block: HeaderBlockWriter;
  readonly reader: Http2ResponseReader;
}

const known = new WeakMap<HeadStorage, Http2EndpointBuffers>();

/** The buffers that belong to a storage: made with the first connection. */
export function http2Buffers(storage: HeadStorage): Http2EndpointBuffers {
  let buffers = known.get(storage);
  if (buffers === undefined) {
    const section = new DecodedSection(storage);
    buffers = { storage, section, block: new HeaderBlockWriter(), reader: new Http2ResponseReader() };
    known.set(storage, buffers);
  }
  return buffers;
}
