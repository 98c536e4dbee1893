/** The exports of `candor/testing`, for your own tests. */
export { after } from '../core/time.ts';
export { SimulatedClock } from './simulated-clock.ts';
export { SeededRandom } from './seeded-random.ts';
export {
  createTransportPair,
  type MemoryTransport,
  type TransportFaults,
  type TransportPairOptions,
} from './memory-transport.ts';
export { MemoryClientStream, MemoryEndpointStream, type MemoryRequest } from './memory-streams.ts';
export { type HeaderPairs, PairHeaders } from '../core/pair-headers.ts';
export { type FaultOrigin, type FaultOriginOptions, type SeenRequest, startFaultOrigin } from './fault-origin.ts';
export { faults, findFault } from './all-faults.ts';
export type { Fault } from './fault.ts';
export {
  type OriginAddress,
  startTlsFaultOrigin,
  type TlsFaultOrigin,
  type TlsFaultOriginOptions,
} from './fault-origin-tls.ts';
export { findTlsFault, type TlsFault, tlsFaults } from './tls-faults.ts';
export {
  certificateAuthority,
  type CertificateAuthority,
  type CertificateRequest,
  type IssuedCertificate,
  selfSignedCertificate,
} from './certificates.ts';
export {
  answer,
  fin,
  keep,
  type OriginRequest,
  pause,
  reset,
  type Script,
  send,
  type Step,
  stopReading,
} from './origin-script.ts';
export {
  type DnsQuestionSeen,
  type DnsReply,
  DnsServer,
  type DnsType,
  dnsAddresses,
  dnsRcode,
  dnsSilence,
  startDnsServer,
} from './dns-server.ts';
export { refusingAddress, type UnreachableAddress, unansweringAddress } from './unreachable-address.ts';
export {
  type ReceivedPart,
  RawClient,
  type RawClientOptions,
  type RawOutcome,
  type RawState,
  sendRaw,
} from './raw-client.ts';
export { headerOf, parseRawResponse, type RawResponse } from './raw-response.ts';
